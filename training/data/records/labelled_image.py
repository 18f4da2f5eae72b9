"""One labelled picture, and what it is used for. All of `training/` speaks of pictures in these terms."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Split(StrEnum):
    """What a picture is used for. All pictures of a group are in the same share."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


class Population(StrEnum):
    """What the picture was taken with: calibration, bands and figures are of one population each."""

    DERMATOSCOPE = "dermatoscope"
    PHONE = "phone"


@dataclass(frozen=True)
class LabelledImage:
    """One picture of a lesion. `label` is an index into `training.data.records.labels.LABELS`.

    Where a source has `fold`s, its pictures are trained on and measured out of fold: by a model that has seen
    no picture of the fold. What a source does not tell is None, or empty.
    """

    path: Path
    label: int
    source: str
    population: Population
    #: Lesion, patient or owner: pictures of one group are never on two sides of a split.
    group: str
    split: Split
    fold: int | None = None
    #: The source's own word for what the lesion is.
    diagnosis: str = ""
    #: Years.
    age: int | None = None
    sex: str = ""
    #: Fitzpatrick's scale, 1 (palest) to 6.
    skin_type: int | None = None
    #: Share of the picture, in [0, 1], that is a doctor's pen mark.
    pen: float | None = None
