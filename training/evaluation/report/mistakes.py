"""The worst mistakes: the wrong answers that the model was most confident of."""

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
_MAX_SIDE: Final = 224


@dataclass(frozen=True)
class Mistake:
    """One image with a wrong answer.

    Attributes:
        image: JPEG in base64.
        name: Name of the file.
        diagnosis: The image's label.
        probability: Probability that the service would report.
    """

    image: str
    name: str
    diagnosis: str
    probability: float


def find_worst_mistakes(scored_set: ScoredSet, manifest: Manifest) -> tuple[Sequence[Mistake], Sequence[Mistake]]:
    """Find the lesions of labels that count with the lowest probabilities, and the others with the highest."""
    probabilities = score(Task.COUNTED, scored_set.probabilities, manifest.labels)
    is_counted = is_positive(Task.COUNTED, scored_set.images)
    order = np.argsort(probabilities, kind="stable")
    misses = [index for index in order if is_counted[index]][:MAX_MISTAKES]
    false_alarms = [index for index in order[::-1] if not is_counted[index]][:MAX_MISTAKES]
    return (
        [_describe_mistake(scored_set.images[index], float(probabilities[index])) for index in misses],
        [_describe_mistake(scored_set.images[index], float(probabilities[index])) for index in false_alarms],
    )


def _describe_mistake(image: LabelledImage, probability: float) -> Mistake:
    stream = io.BytesIO()
    make_thumbnail(image.path.read_bytes(), _MAX_SIDE).save(stream, "JPEG", quality=82)
    return Mistake(
        image=base64.b64encode(stream.getvalue()).decode("ascii"),
        name=image.path.stem,
        diagnosis=LABELS[image.label].title,
        probability=probability,
    )
