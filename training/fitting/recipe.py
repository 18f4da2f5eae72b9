"""A recipe: all that decides a training run, beside the data and the weights it starts from. Kept as TOML."""

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer, model_validator

from shared.images.preprocessing import PreprocessingSpec
from training.data.preprocessing import SERVING_SPEC, TRAINING_SPEC
from training.data.records.labelled_image import Population
from training.data.sources import HAM10000, ISIC2017, PAD_UFES_20
from training.errors import TrainingError
from training.fitting.augmentation import Augmentation
from training.fitting.task import Task
from training.model.applications import APPLICATIONS, Application
from training.model.architecture import LITE0, LITE2, Architecture
from training.model.classifier import Head
from training.model.precision import Precision

RECIPES: Final = Path(__file__).parents[1] / "recipes"


class InitialWeights(StrEnum):
    """What a run's weights are at first."""

    NOTHING = "nothing"
    IMAGENET = "imagenet"
    #: An artefact, or another run.
    MODEL = "model"


class Backbone(StrEnum):
    """What turns a picture into a feature map."""

    LITE0 = "lite0"
    LITE2 = "lite2"
    RESNET50 = "resnet50"
    MOBILENET_V2 = "mobilenet_v2"
    DENSENET121 = "densenet121"


ARCHITECTURES: Final[Mapping[str, Architecture | Application]] = {"lite0": LITE0, "lite2": LITE2, **APPLICATIONS}


class Recipe(BaseModel):
    """What decides a training run. The defaults are those of most recipes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: Backbone = Backbone.LITE0
    start: InitialWeights = InitialWeights.IMAGENET
    task: Task = Task.DIAGNOSES
    head: Head = Head.LINEAR
    train_from: str | None = Field(default=None, description="first layer that learns; None for all")
    frozen_norm: bool = Field(default=False, description="keep the statistics of the normalisation as they start")
    populations: tuple[Population, ...] = Field(default=tuple(Population), min_length=1)
    sources: tuple[str, ...] = Field(default=(ISIC2017, HAM10000, PAD_UFES_20), min_length=1)
    phone_share: float | None = Field(
        default=None, ge=0, le=1, description="of the pictures of an epoch; None for the square root of their number"
    )
    fold: int | None = Field(default=None, ge=0, description="left out of training, to be measured on")
    epochs: int = Field(default=14, ge=1)
    pictures: int = Field(default=5000, ge=1, description="shown an epoch")
    batch: int = Field(default=32, ge=1)
    sizes: tuple[int, ...] = Field(
        default=(160, 192, 224),
        min_length=1,
        description="side of the pictures in equal parts of the epochs; the last is what is served. Small ones are "
        "cheap and teach most (progressive resizing: Tan and Le, EfficientNetV2, arXiv 2104.00298)",
    )
    changes: frozenset[Augmentation] = Field(default=frozenset(Augmentation), description="made to training pictures")
    balanced: bool = Field(default=True, description="show rare labels more often than they come")
    class_weights: bool = Field(default=False, description="let all labels weigh the same in the loss")
    focal: float = Field(default=0.0, ge=0, description="exponent of the focal loss; 0 for plain cross-entropy")
    precision: Precision = Precision.FLOAT32
    rate: float = Field(default=6e-4, gt=0, description="highest learning rate")
    warm_up: float = Field(default=0.08, ge=0, lt=1, description="share of the steps")
    cosine: bool = Field(default=True, description="let the rate fall to 0; it stays after the warm-up otherwise")
    decay: float = Field(default=0.02, ge=0, description="weight decay")
    smoothing: float = Field(default=0.05, ge=0, lt=1, description="of the labels")
    dropout: float = Field(default=0.3, ge=0, lt=1)
    average: float = Field(default=0.995, ge=0, lt=1, description="decay of the weights' average a step")
    distil: float = Field(default=0.0, ge=0, le=1, description="share of a teacher's word in the targets")
    seed: int = Field(default=1, ge=0)

    @field_serializer("changes")
    def _sort_changes(self, changes: frozenset[Augmentation]) -> list[Augmentation]:
        """A set has no order, and the same recipe is to be written the same way."""
        return sorted(changes)

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if self.class_weights and self.focal:
            raise ValueError("class_weights and focal both answer rare labels: choose one")
        if self.frozen_norm and self.backbone in APPLICATIONS:
            raise ValueError(f"frozen_norm is not for {self.backbone}: use train_from")
        if self.phone_share is not None and Population.PHONE not in self.populations:
            raise ValueError("phone_share needs phone among the populations")
        if self.fold is not None and PAD_UFES_20 not in self.sources:
            raise ValueError(f"fold needs {PAD_UFES_20} among the sources: no other has folds")
        return self

    @property
    def architecture(self) -> Architecture | Application:
        """The shape of the backbone."""
        return ARCHITECTURES[self.backbone]

    @property
    def steps_per_epoch(self) -> int:
        """Steps an epoch; the last batch is a full one, so a remainder is not shown."""
        return max(1, self.pictures // self.batch)

    @property
    def serving_spec(self) -> PreprocessingSpec:
        """How pictures are brought to the model when it is used."""
        return SERVING_SPEC.model_copy(update={"size": self.sizes[-1]})

    @property
    def training_spec(self) -> PreprocessingSpec:
        """How training pictures are kept: larger, so that a crop has something to choose from."""
        return TRAINING_SPEC.model_copy(update={"size": self.sizes[-1] * TRAINING_SPEC.size // SERVING_SPEC.size})

    def image_size(self, epoch: int) -> int:
        """Side of the pictures in epoch `epoch`, counted from 0."""
        return self.sizes[epoch * len(self.sizes) // self.epochs]


def read_recipe(name: str, overrides: Mapping[str, Any]) -> Recipe:
    """The recipe of that name in `training/recipes`, or in the file `name`, with `changes` to it.

    Raises `TrainingError` where there is none, or where it says what a recipe cannot say.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(found.stem for found in RECIPES.glob("*.toml")))
        raise TrainingError(f"There is no recipe {name}: name a .toml file or one of {known}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is not TOML: {error}.") from error
    try:
        return Recipe.model_validate({**values, **overrides})
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise TrainingError(f"The recipe {name} cannot be used: {where}{what}.") from error
