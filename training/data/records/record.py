"""One picture of a data set with all that is known of it, whether or not it shows a lesion.

`read_pictures` makes labelled pictures of lesions of these, `read_phone` pictures by what they show.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from training.data.records.labelled_image import Population, Split


class Subject(StrEnum):
    """What a picture shows."""

    LESION = "lesion"
    SKIN = "skin"
    HAND = "hand"
    THING = "thing"


@dataclass(frozen=True)
class ImageRecord:
    """A picture and what its source says of it; what it does not say is None, or empty.

    `label` is an index into `training.data.records.labels.LABELS`, None where a lesion's is not known or there is no
    lesion. The other fields are as in `training.data.records.labelled_image.Picture`.
    """

    path: Path
    subject: Subject
    label: int | None
    source: str
    population: Population
    licence: str
    #: Lesion, patient or owner: pictures of one group are never on two sides of a split.
    group: str
    split: Split
    fold: int | None = None
    diagnosis: str = ""
    age: int | None = None
    sex: str = ""
    skin_type: int | None = None
    pen: float | None = None
