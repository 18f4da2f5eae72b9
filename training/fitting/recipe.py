"""Recipes: TOML files that determine a training run, beside the data and the initial weights."""

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
from training.model.depthwise import Depthwise
from training.model.precision import Precision

RECIPES: Final = Path(__file__).parents[1] / "recipes"


class InitialWeights(StrEnum):
    """Initial weights of a run."""

    NOTHING = "nothing"
    IMAGENET = "imagenet"
    #: An artefact, or another run.
    MODEL = "model"


class Backbone(StrEnum):
    """Network that computes the feature map of an image."""

    LITE0 = "lite0"
    LITE2 = "lite2"
    RESNET50 = "resnet50"
    MOBILENET_V2 = "mobilenet_v2"
    DENSENET121 = "densenet121"


ARCHITECTURES: Final[Mapping[str, Architecture | Application]] = {"lite0": LITE0, "lite2": LITE2, **APPLICATIONS}


class Recipe(BaseModel):
    """Settings of a training run. The defaults are those of most recipes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backbone: Backbone = Backbone.LITE0
    start: InitialWeights = InitialWeights.IMAGENET
    task: Task = Task.DIAGNOSES
    head: Head = Head.LINEAR
    train_from: str | None = Field(default=None, description="first layer to train; None for all layers")
    frozen_norm: bool = Field(default=False, description="keep the initial statistics of the batch normalisation")
    populations: tuple[Population, ...] = Field(default=tuple(Population), min_length=1)
    sources: tuple[str, ...] = Field(default=(ISIC2017, HAM10000, PAD_UFES_20), min_length=1)
    phone_share: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="share of phone images in an epoch; None to follow the square root of their number",
    )
    left_out: tuple[str, ...] = Field(
        default=(), description="sources among `sources` that are left out of training and measured on"
    )
    fold: int | None = Field(default=None, ge=0, description="fold to leave out of training and validate on")
    epochs: int = Field(default=14, ge=1)
    pictures: int = Field(default=5000, ge=1, description="images an epoch")
    batch: int = Field(default=32, ge=1)
    sizes: tuple[int, ...] = Field(
        default=(160, 192, 224),
        min_length=1,
        description="sides of the images in equal parts of the epochs; the last is the served size. Small images are "
        "cheap and teach most (progressive resizing: Tan and Le, EfficientNetV2, arXiv 2104.00298)",
    )
    drawn: bool = Field(
        default=False,
        description="augment on Keras' backend, with hair, rulers, pen marks and dark corners drawn over the images, in"
        " place of `changes`",
    )
    changes: frozenset[Augmentation] = Field(
        default=frozenset(Augmentation), description="augmentations of training images"
    )
    balanced: bool = Field(default=True, description="oversample rare labels")
    melanoma_share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="share of melanomas in what an epoch shows of each source by dermatoscope, so that no source means"
        " melanoma; None to follow the square root of their number",
    )
    class_weights: bool = Field(default=False, description="give all labels the same total weight in the loss")
    focal: float = Field(default=0.0, ge=0, description="exponent of the focal loss; 0 for cross-entropy")
    precision: Precision = Precision.FLOAT32
    depthwise: Depthwise = Field(
        default=Depthwise.CONVOLUTION, description="how depthwise convolutions are computed, for speed alone"
    )
    rate: float = Field(default=6e-4, gt=0, description="maximum learning rate")
    warm_up: float = Field(default=0.08, ge=0, lt=1, description="share of the steps with a rising rate")
    cosine: bool = Field(default=True, description="decay the rate to 0; otherwise it is constant after the warm-up")
    decay: float = Field(default=0.02, ge=0, description="weight decay")
    smoothing: float = Field(default=0.05, ge=0, lt=1, description="label smoothing")
    dropout: float = Field(default=0.3, ge=0, lt=1)
    average: float = Field(default=0.995, ge=0, lt=1, description="momentum of the weights' moving average")
    distil: float = Field(default=0.0, ge=0, le=1, description="share of the teacher in the targets")
    seed: int = Field(default=1, ge=0)

    @field_serializer("changes")
    def _sort_changes(self, changes: frozenset[Augmentation]) -> list[Augmentation]:
        """Sort the set, so that equal recipes are written equally."""
        return sorted(changes)

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if self.class_weights and self.focal:
            raise ValueError("class_weights and focal both compensate for rare labels: choose one")
        if self.frozen_norm and self.backbone in APPLICATIONS:
            raise ValueError(f"frozen_norm is not for {self.backbone}: use train_from")
        if self.phone_share is not None and Population.PHONE not in self.populations:
            raise ValueError("phone_share needs phone among the populations")
        if self.melanoma_share is not None and not self.balanced:
            raise ValueError("melanoma_share needs balanced = true")
        unknown = set(self.left_out) - set(self.sources)
        if unknown:
            raise ValueError(f"left_out names {min(unknown)}, which is not among the sources")
        if self.fold is not None and PAD_UFES_20 not in self.sources:
            raise ValueError(f"fold needs {PAD_UFES_20} among the sources: no other has folds")
        return self

    @property
    def architecture(self) -> Architecture | Application:
        """Architecture of the backbone."""
        return ARCHITECTURES[self.backbone]

    @property
    def steps_per_epoch(self) -> int:
        """Full batches an epoch; remaining images are not shown."""
        return max(1, self.pictures // self.batch)

    @property
    def serving_spec(self) -> PreprocessingSpec:
        """Preprocessing of images in serving."""
        return SERVING_SPEC.model_copy(update={"size": self.sizes[-1]})

    @property
    def training_spec(self) -> PreprocessingSpec:
        """Preprocessing of training images, which are stored larger so that random crops differ."""
        return TRAINING_SPEC.model_copy(update={"size": self.sizes[-1] * TRAINING_SPEC.size // SERVING_SPEC.size})

    def image_size(self, epoch: int) -> int:
        """Return the side of the images in `epoch`, counted from 0."""
        return self.sizes[epoch * len(self.sizes) // self.epochs]


def read_recipe(name: str, overrides: Mapping[str, Any]) -> Recipe:
    """Read a recipe.

    Args:
        name: Name of a recipe in `training/recipes`, or path of a `.toml` file.
        overrides: Fields that replace those of the recipe.

    Raises:
        TrainingError: If there is no such recipe or if it is not valid.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
        raise TrainingError(f"There is no recipe {name}: name a .toml file or one of {known}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} is not TOML: {error}.") from error
    try:
        return Recipe.model_validate({**values, **overrides})
    except ValidationError as error:
        first = error.errors()[0]
        field = "".join(f"{part}: " for part in first["loc"])
        problem = first["msg"].removeprefix("Value error, ")
        raise TrainingError(f"The recipe {name} cannot be used: {field}{problem}.") from error
