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
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.tasks import Task, is_positive, score

#: Of each sort.
MAX_MISTAKES: Final = 8
_SIDE: Final = 224


@dataclass(frozen=True)
class Mistake:
    """One picture: a JPEG in base64, what it is, and the probability that a person would be told."""

    image: str
    name: str
    diagnosis: str
    probability: float


def find_worst_mistakes(scored_set: ScoredSet, manifest: Manifest) -> tuple[Sequence[Mistake], Sequence[Mistake]]:
    """Lesions that count with the lowest probabilities, and others with the highest."""
    told, counted = (
        score(Task.COUNTED, scored_set.probabilities, manifest.labels),
        is_positive(Task.COUNTED, scored_set.images),
    )
    order = np.argsort(told, kind="stable")
    missed = [place for place in order if counted[place]][:MAX_MISTAKES]
    alarmed = [place for place in order[::-1] if not counted[place]][:MAX_MISTAKES]
    return (
        [_describe_mistake(scored_set.images[place], float(told[place])) for place in missed],
        [_describe_mistake(scored_set.images[place], float(told[place])) for place in alarmed],
    )


def _describe_mistake(picture: LabelledImage, probability: float) -> Mistake:
    stream = io.BytesIO()
    make_thumbnail(picture.path.read_bytes(), _SIDE).save(stream, "JPEG", quality=82)
    return Mistake(
        image=base64.b64encode(stream.getvalue()).decode("ascii"),
        name=picture.path.stem,
        diagnosis=LABELS[picture.label].title,
        probability=probability,
    )
