"""Records of images: content, origin, label and split."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Split(StrEnum):
    """Use of an image. All images of a group are in the same split."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


class Population(StrEnum):
    """Device that took an image. Calibration, bands and metrics are each of one population."""

    DERMATOSCOPE = "dermatoscope"
    PHONE = "phone"


class Subject(StrEnum):
    """Content of an image."""

    LESION = "lesion"
    SKIN = "skin"
    HAND = "hand"
    THING = "thing"


@dataclass(frozen=True)
class ImageRecord:
    """An image of a data set, whether it shows a lesion or not.

    What its source does not say is None or empty.
    """

    path: Path
    #: Index into `training.data.records.labels.LABELS`; None for an unknown lesion, or for no lesion.
    label: int | None
    source: str
    population: Population
    #: Lesion, patient or owner: images of one group are never on two sides of a split.
    group: str
    split: Split
    #: Set in sources that are measured out of fold: by a model that has seen no image of the fold.
    fold: int | None = None
    #: The source's own word for the lesion.
    diagnosis: str = ""
    #: Years.
    age: int | None = None
    sex: str = ""
    #: Fitzpatrick's scale, 1 (palest) to 6.
    skin_type: int | None = None
    #: Fraction of the image, in [0, 1], that is a doctor's pen mark.
    pen: float | None = None
    subject: Subject = Subject.LESION
    licence: str = ""
    #: The source has the image at a higher resolution too, and wants both: without its malignant images of low
    #: resolution, low resolution would mean benign.
    is_wanted_copy: bool = False


@dataclass(frozen=True)
class LabelledImage(ImageRecord):
    """The record of a lesion whose label is known: training and evaluation use no others."""

    label: int
