"""The images that an artefact is calibrated and measured with, by their use."""

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
from training.data.sources import (
    PhoneImage,
    PhoneSubject,
    is_chosen_by_diagnosis,
    read_labelled_images,
    read_phone_images,
)
from training.errors import TrainingError
from training.fitting.inputs.selection import is_in_recipe
from training.fitting.recipe import Recipe

#: Training images that the kind classifier and the feature distance are fitted to. With their chat copies, these are
#: more than two for each feature of the kind classifier.
TRAINING_SAMPLE_SIZE: Final = 2000


@dataclass(frozen=True)
class LesionImages:
    """Images of lesions, with their pixels uint8 [n, size, size, 3]."""

    images: Sequence[LabelledImage]
    pixels: Pixels

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Index of each image's label, [n]."""
        return np.array([image.label for image in self.images])

    @property
    def is_counted(self) -> npt.NDArray[np.bool_]:
        """True for lesions of a label that counts, [n]."""
        return np.isin(self.labels, COUNTED)

    @property
    def is_natural(self) -> npt.NDArray[np.bool_]:
        """True for lesions of sources that did not choose them by their diagnosis, [n]."""
        return ~np.array([is_chosen_by_diagnosis(image.source) for image in self.images])

    @property
    def paths(self) -> list[Path]:
        """Files of the images."""
        return [image.path for image in self.images]


@dataclass(frozen=True)
class OtherImages:
    """Images that show no lesion.

    The kind classifier is fitted to those that are not held out, and measured on the others. Those with a fold show
    skin of a patient whose lesions the model learns: they are measured by the model that left out the fold.

    Attributes:
        images: All of them.
        pixels: Of those that are not held out, uint8 [n, size, size, 3].
    """

    images: Sequence[PhoneImage]
    pixels: Pixels

    @property
    def fitted(self) -> list[PhoneImage]:
        """The images that are not held out, [n]."""
        return [image for image in self.images if not image.is_held_out]

    @property
    def kind_names(self) -> list[str]:
        """Kind of each image that is not held out, [n]."""
        return [kind_name(image.subject) for image in self.fitted]

    @property
    def folds(self) -> npt.NDArray[np.int64]:
        """Fold of each image that is not held out, [n]; -1 for none."""
        return np.array([-1 if image.fold is None else image.fold for image in self.fitted], np.int64)

    @property
    def with_folds(self) -> list[PhoneImage]:
        """The images with a fold, [m]."""
        return [image for image in self.fitted if image.fold is not None]

    @property
    def pixels_with_folds(self) -> Pixels:
        """Of the images with a fold, uint8 [m, size, size, 3]."""
        return self.pixels[self.folds >= 0]

    def held_out_paths(self) -> dict[PhoneSubject, list[Path]]:
        """Files of the half to measure on, by what they show."""
        paths: dict[PhoneSubject, list[Path]] = {}
        for image in self.images:
            if image.is_held_out:
                paths.setdefault(image.subject, []).append(image.path)
        return paths


@dataclass(frozen=True)
class CalibrationData:
    """Images of a recipe's sources, without the test set.

    Attributes:
        training_images: All dermatoscope images that the model was trained on.
        training_sample: Evenly spaced ones of them, about `TRAINING_SAMPLE_SIZE`.
        held_out: Dermatoscope lesions held out of training.
        phone: Phone lesions. The fold models predict them.
        others: Images that show no lesion.
    """

    training_images: Sequence[LabelledImage]
    training_sample: LesionImages
    held_out: LesionImages
    phone: LesionImages
    others: OtherImages


def read_calibration_data(data: Path, cache: Path, recipe: Recipe) -> CalibrationData:
    """Read and decode the images of the recipe's sources, without the test set.

    `cache` is the folder for the decoded images.

    Raises:
        TrainingError: The data has no images for one of the uses.
    """
    spec = recipe.serving_spec
    images = [image for image in read_labelled_images(data) if is_in_recipe(image, recipe)]

    def select(population: Population, split: Split) -> list[LabelledImage]:
        selected = [image for image in images if image.population is population and image.split is split]
        if not selected:
            raise TrainingError(f"{data} has no {population} pictures of the recipe's sources for the split {split}.")
        return selected

    def decode(lesions: Sequence[LabelledImage]) -> LesionImages:
        return LesionImages(lesions, decode_images(lesions, spec, cache))

    training_images = select(Population.DERMATOSCOPE, Split.TRAIN)
    others = [image for image in read_phone_images(data) if image.subject is not PhoneSubject.LESION]
    fitted_paths = [image.path for image in others if not image.is_held_out]
    if not fitted_paths:
        raise TrainingError(f"{data} needs pictures of no lesion under phone/: without them nothing is refused.")
    return CalibrationData(
        training_images=training_images,
        training_sample=decode(training_images[:: max(1, len(training_images) // TRAINING_SAMPLE_SIZE)]),
        held_out=decode(select(Population.DERMATOSCOPE, Split.VALID)),
        phone=decode(select(Population.PHONE, Split.TRAIN)),
        others=OtherImages(others, decode_paths(fitted_paths, spec, cache)),
    )


def read_test_images(data: Path) -> list[LabelledImage]:
    """Read the ISIC 2017 test set. No choice is made by it.

    Raises:
        TrainingError: The data has no test set.
    """
    images = [image for image in read_labelled_images(data) if image.split is Split.TEST]
    if not images:
        raise TrainingError(f"{data} has no pictures for the split {Split.TEST}.")
    return images
