"""The pictures that an artefact is calibrated by and measured on, by what each is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from training.calibration.kinds import name_of
from training.data.image_cache import Pixels, decode_images, decode_paths
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import COUNTED
from training.data.sources import PhoneImage, PhoneSubject, read_labelled_images, read_phone_images
from training.errors import TrainingError
from training.fitting.inputs.selection import is_in_recipe
from training.fitting.recipe import Recipe

#: Training pictures that kinds and distance are fitted to: with their copies, more than two a feature of the kinds.
ENOUGH: Final = 2000


@dataclass(frozen=True)
class Lesions:
    """Pictures of lesions with their pixels uint8 [n, size, size, 3]."""

    pictures: Sequence[LabelledImage]
    pixels: Pixels

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Label [n] of each."""
        return np.array([image.label for image in self.pictures])

    @property
    def counted(self) -> npt.NDArray[np.bool_]:
        """Whether each is of a label that counts, [n]."""
        return np.isin(self.labels, COUNTED)

    @property
    def paths(self) -> list[Path]:
        """Their files."""
        return [image.path for image in self.pictures]


@dataclass(frozen=True)
class Others:
    """Pictures of no lesion: `seen` ones teach the kinds, by their `pixels`; the rest only measures."""

    pictures: Sequence[PhoneImage]
    pixels: Pixels

    @property
    def kinds(self) -> list[str]:
        """The kind of picture that each of those seen is."""
        return [name_of(one.subject) for one in self.pictures if not one.is_held_out]

    def unseen(self) -> dict[PhoneSubject, list[Path]]:
        """Files of those that only measure."""
        found: dict[PhoneSubject, list[Path]] = {}
        for one in self.pictures:
            if one.is_held_out:
                found.setdefault(one.subject, []).append(one.path)
        return found


@dataclass(frozen=True)
class Material:
    """Dermatoscope lesions that were trained on, some of them, and held-out ones; phone lesions; and others."""

    trained: Sequence[LabelledImage]
    some: Lesions
    held: Lesions
    phone: Lesions
    others: Others


def read_material(data: Path, cache: Path, recipe: Recipe) -> Material:
    """Read and decode all of the recipe's sources but the test set. Raises `TrainingError` where a part is missing."""
    rules = recipe.serving_spec
    images = [one for one in read_labelled_images(data) if is_in_recipe(one, recipe)]

    def lesions(population: Population, share: Split) -> list[LabelledImage]:
        found = [one for one in images if one.population is population and one.split is share]
        if not found:
            raise TrainingError(f"{data} has no {population} pictures of the recipe's sources for the share {share}.")
        return found

    def decoded(some: Sequence[LabelledImage]) -> Lesions:
        return Lesions(some, decode_images(some, rules, cache))

    trained = lesions(Population.DERMATOSCOPE, Split.TRAIN)
    others = [one for one in read_phone_images(data) if one.subject is not PhoneSubject.LESION]
    seen = [one.path for one in others if not one.is_held_out]
    if not seen:
        raise TrainingError(f"{data} needs pictures of no lesion under phone/: without them nothing is refused.")
    return Material(
        trained=trained,
        some=decoded(trained[:: max(1, len(trained) // ENOUGH)]),
        held=decoded(lesions(Population.DERMATOSCOPE, Split.VALID)),
        phone=decoded(lesions(Population.PHONE, Split.TRAIN)),
        others=Others(others, decode_paths(seen, rules, cache)),
    )


def test_pictures(data: Path) -> list[LabelledImage]:
    """The ISIC 2017 test set, which nothing is chosen by. Raises `TrainingError` where it is missing."""
    found = [image for image in read_labelled_images(data) if image.split is Split.TEST]
    if not found:
        raise TrainingError(f"{data} has no pictures for the share {Split.TEST}.")
    return found
