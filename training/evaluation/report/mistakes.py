"""The worst mistakes, to be looked at: what the model was most sure of, and wrong."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shared.images.thumbnail import make_thumbnail
from shared.model.artefact import Manifest
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import LABELS
from training.evaluation.scored_sets import Judged
from training.evaluation.tasks import Task, score, truth

#: Of each sort.
MOST: Final = 8
_SIDE: Final = 224


@dataclass(frozen=True)
class Mistake:
    """One picture: a JPEG in base64, what it is, and the probability that a person would be told."""

    image: str
    name: str
    diagnosis: str
    probability: float


def worst(judged: Judged, manifest: Manifest) -> tuple[Sequence[Mistake], Sequence[Mistake]]:
    """Lesions that count with the lowest probabilities, and others with the highest."""
    told, counted = score(Task.COUNTED, judged.probabilities, manifest.labels), truth(Task.COUNTED, judged.pictures)
    order = np.argsort(told, kind="stable")
    missed = [place for place in order if counted[place]][:MOST]
    alarmed = [place for place in order[::-1] if not counted[place]][:MOST]
    return (
        [_mistake(judged.pictures[place], float(told[place])) for place in missed],
        [_mistake(judged.pictures[place], float(told[place])) for place in alarmed],
    )


def _mistake(picture: LabelledImage, probability: float) -> Mistake:
    stream = io.BytesIO()
    make_thumbnail(picture.path.read_bytes(), _SIDE).save(stream, "JPEG", quality=82)
    return Mistake(
        image=base64.b64encode(stream.getvalue()).decode("ascii"),
        name=picture.path.stem,
        diagnosis=LABELS[picture.label].title,
        probability=probability,
    )
