"""The pictures that an artefact is calibrated by and measured on, by what each is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from training.calibration.kinds import kind_name
from training.data.image_cache import Pixels, decode_images, decode_paths
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import COUNTED
from training.data.sources import PhoneImage, PhoneSubject, read_labelled_images, read_phone_images
from training.errors import TrainingError
from training.fitting.inputs.selection import is_in_recipe
from training.fitting.recipe import Recipe

#: Training pictures that kinds and distance are fitted to: with their copies, more than two a feature of the kinds.
TRAINING_SAMPLE_SIZE: Final = 2000


@dataclass(frozen=True)
class LesionImages:
    """Pictures of lesions with their pixels uint8 [n, size, size, 3]."""

    images: Sequence[LabelledImage]
    pixels: Pixels

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Label [n] of each."""
        return np.array([image.label for image in self.images])

    @property
    def is_counted(self) -> npt.NDArray[np.bool_]:
        """Whether each is of a label that counts, [n]."""
        return np.isin(self.labels, COUNTED)

    @property
    def paths(self) -> list[Path]:
        """Their files."""
        return [image.path for image in self.images]


@dataclass(frozen=True)
class OtherImages:
    """Pictures of no lesion: `seen` ones teach the kinds, by their `pixels`; the rest only measures."""

    images: Sequence[PhoneImage]
    pixels: Pixels

    @property
    def kind_names(self) -> list[str]:
        """The kind of picture that each of those seen is."""
        return [kind_name(one.subject) for one in self.images if not one.is_held_out]

    def held_out_paths(self) -> dict[PhoneSubject, list[Path]]:
        """Files of those that only measure."""
        found: dict[PhoneSubject, list[Path]] = {}
        for one in self.images:
            if one.is_held_out:
                found.setdefault(one.subject, []).append(one.path)
        return found


@dataclass(frozen=True)
class CalibrationData:
    """Dermatoscope lesions that were trained on, some of them, and held-out ones; phone lesions; and others."""

    training_images: Sequence[LabelledImage]
    training_sample: LesionImages
    held_out: LesionImages
    phone: LesionImages
    others: OtherImages


def read_calibration_data(data: Path, cache: Path, recipe: Recipe) -> CalibrationData:
    """Read and decode all of the recipe's sources but the test set. Raises `TrainingError` where a part is missing."""
    rules = recipe.serving_spec
    images = [one for one in read_labelled_images(data) if is_in_recipe(one, recipe)]

    def lesions(population: Population, share: Split) -> list[LabelledImage]:
        found = [one for one in images if one.population is population and one.split is share]
        if not found:
            raise TrainingError(f"{data} has no {population} pictures of the recipe's sources for the share {share}.")
        return found

    def decoded(some: Sequence[LabelledImage]) -> LesionImages:
        return LesionImages(some, decode_images(some, rules, cache))

    trained = lesions(Population.DERMATOSCOPE, Split.TRAIN)
    others = [one for one in read_phone_images(data) if one.subject is not PhoneSubject.LESION]
    seen = [one.path for one in others if not one.is_held_out]
    if not seen:
        raise TrainingError(f"{data} needs pictures of no lesion under phone/: without them nothing is refused.")
    return CalibrationData(
        training_images=trained,
        training_sample=decoded(trained[:: max(1, len(trained) // TRAINING_SAMPLE_SIZE)]),
        held_out=decoded(lesions(Population.DERMATOSCOPE, Split.VALID)),
        phone=decoded(lesions(Population.PHONE, Split.TRAIN)),
        others=OtherImages(others, decode_paths(seen, rules, cache)),
    )


def read_test_images(data: Path) -> list[LabelledImage]:
    """The ISIC 2017 test set, which nothing is chosen by. Raises `TrainingError` where it is missing."""
    found = [image for image in read_labelled_images(data) if image.split is Split.TEST]
    if not found:
        raise TrainingError(f"{data} has no pictures for the share {Split.TEST}.")
    return found
