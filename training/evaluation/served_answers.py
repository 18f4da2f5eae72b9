"""The answers that the service would give, by the decision rules of serving."""

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.contract.decision import Band
from shared.model.artefact import Manifest
from shared.model.decision_rules import decide_answer
from training.data.records.labels import LABELS
from training.evaluation.result import AnswerCounts, DiagnosisResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.tasks import Task, is_positive, score
from training.metrics.bootstrap import Floats

REFUSED: Final = "refused"
#: All answers, in the order of the report.
ANSWERS: Final = (Band.LOW.value, Band.ELEVATED.value, Band.HIGH.value, Band.UNCERTAIN.value, REFUSED)


def decide_answers(probabilities: Floats, kinds: Floats, distance: Floats, manifest: Manifest) -> list[str]:
    """Decide the band of each image, or `REFUSED`.

    Args:
        probabilities: That the service reports, [n].
        kinds: Probabilities of the kinds, [n, kinds].
        distance: Feature distance [n]. Where it is nan, an image is treated as within the largest distance.
        manifest: Manifest of the artefact.
    """
    answers = []
    for row, probability in enumerate(probabilities):
        image_distance = 0.0 if np.isnan(distance[row]) else float(distance[row])
        band = decide_answer(float(probability), kinds[row], image_distance, manifest)
        answers.append(REFUSED if band is None else band.value)
    return answers


def decide_set(scored_set: ScoredSet, manifest: Manifest) -> npt.NDArray[np.str_]:
    """Decide the answer to each image of a set, [n]: by the population that the model takes it for."""
    probabilities = score(Task.COUNTED, scored_set.probabilities, manifest.labels)
    return np.array(decide_answers(probabilities, scored_set.kinds, scored_set.distance, manifest))


def count_answers(scored_set: ScoredSet, manifest: Manifest) -> AnswerCounts:
    """Count the answers for lesions of a label that counts, and for the others."""
    answers = decide_set(scored_set, manifest)
    is_counted = is_positive(Task.COUNTED, scored_set.images)
    return AnswerCounts(counted=_count(answers[is_counted].tolist()), others=_count(answers[~is_counted].tolist()))


def measure_diagnoses(scored_set: ScoredSet, manifest: Manifest) -> tuple[DiagnosisResult, ...]:
    """Measure the probabilities and bands of the lesions of each label."""
    labels = np.array([image.label for image in scored_set.images])
    bands = decide_set(scored_set, manifest)
    probabilities = score(Task.COUNTED, scored_set.probabilities, manifest.labels)
    return tuple(
        DiagnosisResult(
            label=label.name,
            title=label.title,
            counts=label.counts,
            pictures=int((labels == index).sum()),
            median=float(np.median(probabilities[labels == index])),
            bands=_count(bands[labels == index].tolist()),
        )
        for index, label in enumerate(LABELS)
        if (labels == index).any()
    )


def _count(answers: list[str]) -> dict[str, int]:
    counts = Counter(answers)
    return {answer: counts[answer] for answer in ANSWERS if counts[answer]}
