"""Reads the pictures: which one is what, and which share of the work it belongs to.

They come from the manifest that `melanoma-data build` wrote, or straight from the folders of the data sets.
No lesion is in two shares.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from training.data.manifest import is_manifest, read_manifest
from training.data.records.labelled_image import LabelledImage, Population
from training.data.records.record import ImageRecord, Subject
from training.data.sources.folders import read_folders
from training.data.sources.ham10000 import HAM10000
from training.data.sources.holdout import HELD_OUT_FRACTION, is_held_out
from training.data.sources.isic2017 import ISIC2017
from training.data.sources.isic_archive import ISIC_ARCHIVE
from training.data.sources.phone import PAD_UFES_20, PHONE_FOLDER, is_in_held_out_half

__all__ = [
    "HAM10000",
    "HELD_OUT_FRACTION",
    "ISIC2017",
    "ISIC_ARCHIVE",
    "PAD_UFES_20",
    "PHONE_FOLDER",
    "PhoneImage",
    "PhoneSubject",
    "is_held_out",
    "read_labelled_images",
    "read_phone_images",
    "read_records",
]


def read_records(data: Path) -> list[ImageRecord]:
    """All pictures of `data`: a manifest, a folder that holds one, or the folder of the data sets.

    Raises `TrainingError` where a folder, a manifest, a column or a picture is missing, where a word of a
    manifest is not known, and where pictures of one group are on two sides of a split.
    """
    return read_manifest(data) if is_manifest(data) else read_folders(data)


def read_labelled_images(data: Path) -> list[LabelledImage]:
    """Labelled pictures of lesions, in the manifests' order. Raises `TrainingError` as `read_records` does."""
    return [
        LabelledImage(
            path=one.path,
            label=one.label,
            source=one.source,
            population=one.population,
            group=one.group,
            split=one.split,
            fold=one.fold,
            diagnosis=one.diagnosis,
            age=one.age,
            sex=one.sex,
            skin_type=one.skin_type,
            pen=one.pen,
        )
        for one in read_records(data)
        if one.label is not None
    ]


class PhoneSubject(StrEnum):
    """What a phone picture shows."""

    LESION = "phone_lesion"
    SKIN = "phone_skin"
    HAND = "phone_hand"
    THING = "phone_thing"


_PHONE_SUBJECTS = {
    Subject.LESION: PhoneSubject.LESION,
    Subject.SKIN: PhoneSubject.SKIN,
    Subject.HAND: PhoneSubject.HAND,
    Subject.THING: PhoneSubject.THING,
}


@dataclass(frozen=True)
class PhoneImage:
    """A picture by a phone, of a lesion or not. `held` is true for the half that is only measured on."""

    path: Path
    subject: PhoneSubject
    is_held_out: bool


def read_phone_images(data: Path) -> list[PhoneImage]:
    """Phone pictures, of a lesion or not. Pictures of a patient or a hand's owner are on one side.

    Raises `TrainingError` as `read_records` does.
    """
    return [
        PhoneImage(path=one.path, subject=_PHONE_SUBJECTS[one.subject], is_held_out=is_in_held_out_half(one.group))
        for one in read_records(data)
        if one.population is Population.PHONE
    ]
