"""Reads the images of the data sets, from the manifest of `melanoma-data build` or from the data sets' own folders.

In a manifest no known lesion or patient is in two splits. The folders of the data sets are not checked for that.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from training.data.manifest import is_manifest, read_manifest
from training.data.records.labelled_image import ImageRecord, LabelledImage, Population
from training.data.sources.folders import read_folders
from training.data.sources.found import BCN, BCN_84, FOUND_SOURCES, HAM_MORE, SIIM2020
from training.data.sources.ham10000 import HAM10000
from training.data.sources.holdout import HELD_OUT_FRACTION, is_held_out
from training.data.sources.isic2017 import ISIC2017
from training.data.sources.isic_archive import ISIC_ARCHIVE
from training.data.sources.phone import PAD_UFES_20, PHONE_FOLDER, SIGN_DIGITS_HANDS, is_in_held_out_half

__all__ = [
    "BCN",
    "BCN_84",
    "FOUND_SOURCES",
    "HAM10000",
    "HAM_MORE",
    "HELD_OUT_FRACTION",
    "ISIC2017",
    "ISIC_ARCHIVE",
    "PAD_UFES_20",
    "PHONE_FOLDER",
    "SIGN_DIGITS_HANDS",
    "SIIM2020",
    "PhoneImage",
    "PhoneSubject",
    "is_chosen_by_diagnosis",
    "is_held_out",
    "read_labelled_images",
    "read_phone_images",
    "read_records",
]


def read_records(data: Path) -> list[ImageRecord]:
    """Read the records of all images.

    Args:
        data: A manifest, a folder that holds one, or the folder of the data sets.

    Returns:
        Records in the order of the manifest, or of the data sets.

    Raises:
        TrainingError: If a folder, a manifest, a column or an image is missing, if a manifest holds an unknown value,
            or if the manifest of `melanoma-data build` has images of one group on two sides of a split.
    """
    return read_manifest(data) if is_manifest(data) else read_folders(data)


def read_labelled_images(data: Path) -> list[LabelledImage]:
    """Read the records of the lesions whose label is known. Arguments and errors are those of `read_records`."""
    return [LabelledImage(**vars(record)) for record in read_records(data) if record.label is not None]


def is_chosen_by_diagnosis(source: str) -> bool:
    """Return whether the source's images were chosen by diagnosis: its share of malignant ones is that of no clinic."""
    return source in FOUND_SOURCES


class PhoneSubject(StrEnum):
    """Content of a phone image. The names of metrics in `model.json` begin with these values."""

    LESION = "phone_lesion"
    SKIN = "phone_skin"
    HAND = "phone_hand"
    THING = "phone_thing"


@dataclass(frozen=True)
class PhoneImage:
    """An image taken by a phone, of a lesion or not.

    Attributes:
        path: Its file.
        source: Its source.
        subject: What it shows.
        fold: Its fold; plain skin that was cut from an image of a lesion has the fold of its patient.
        is_held_out: True in one half of the images without a fold, which only measures the kind classifier.
    """

    path: Path
    source: str
    subject: PhoneSubject
    fold: int | None
    is_held_out: bool


def read_phone_images(data: Path) -> list[PhoneImage]:
    """Read all phone images, of lesions or not.

    Images of one patient, or of one hand's owner, are all held out or none of them is. Arguments and errors are those
    of `read_records`.
    """
    return [
        PhoneImage(
            path=record.path,
            source=record.source,
            subject=PhoneSubject(f"phone_{record.subject}"),
            fold=record.fold,
            is_held_out=record.fold is None and is_in_held_out_half(record.group),
        )
        for record in read_records(data)
        if record.population is Population.PHONE
    ]
