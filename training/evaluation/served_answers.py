"""What the service would say of the pictures: by the rules that it serves by."""

from collections import Counter
from typing import Final

import numpy as np

from shared.contract.decision import Band
from shared.model.artefact import Manifest
from shared.model.decision_rules import band_of, kind_of, population_of
from training.data.records.labels import LABELS
from training.evaluation.result import AnswerCounts, DiagnosisResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.tasks import Task, is_positive, score
from training.metrics.bootstrap import Floats

REFUSED: Final = "refused"
#: In the order in which they alarm.
ANSWERS: Final = (Band.LOW.value, Band.ELEVATED.value, Band.HIGH.value, Band.UNCERTAIN.value, REFUSED)


def decide_answers(probability: Floats, kinds: Floats, distance: Floats | None, manifest: Manifest) -> list[str]:
    """The band that each picture gets, or `REFUSED`; `probability` [n] is the one that a person is told.

    Where the distance [n] is not known, no picture is taken for strange.
    """
    found = []
    for row, told in enumerate(probability):
        kind = kind_of(kinds[row], manifest)
        away = 0.0 if distance is None else float(distance[row])
        population = None if kind is None else population_of(kind, away, manifest)
        found.append(REFUSED if kind is None else band_of(float(told), population, manifest).value)
    return found


def decide_bands(scored_set: ScoredSet, manifest: Manifest) -> list[str]:
    """The band of each picture's probability in its own population, whatever kind the model takes it for."""
    population = next((known for known in manifest.populations if known.name == scored_set.population), None)
    told = score(Task.COUNTED, scored_set.probabilities, manifest.labels)
    return [band_of(float(one), population, manifest).value for one in told]


def count_answers(scored_set: ScoredSet, manifest: Manifest) -> AnswerCounts:
    """How many lesions whose label counts, and others, get which answer."""
    told = score(Task.COUNTED, scored_set.probabilities, manifest.labels)
    given = np.array(decide_answers(told, scored_set.kinds, scored_set.distance, manifest))
    counted = is_positive(Task.COUNTED, scored_set.images)
    return AnswerCounts(counted=_count(given[counted].tolist()), others=_count(given[~counted].tolist()))


def measure_diagnoses(scored_set: ScoredSet, manifest: Manifest) -> tuple[DiagnosisResult, ...]:
    """For each label of the pictures, which bands they get."""
    labels, bands = np.array([image.label for image in scored_set.images]), np.array(decide_bands(scored_set, manifest))
    told = score(Task.COUNTED, scored_set.probabilities, manifest.labels)
    return tuple(
        DiagnosisResult(
            label=label.name,
            title=label.title,
            counts=label.counts,
            pictures=int((labels == index).sum()),
            median=float(np.median(told[labels == index])),
            bands=_count(bands[labels == index].tolist()),
        )
        for index, label in enumerate(LABELS)
        if (labels == index).any()
    )


def _count(given: list[str]) -> dict[str, int]:
    counts = Counter(given)
    return {answer: counts[answer] for answer in ANSWERS if counts[answer]}
