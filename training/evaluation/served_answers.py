"""What the service would say of the pictures: by the rules that it serves by."""

from collections import Counter
from typing import Final

import numpy as np

from shared.contract.decision import Band
from shared.model.artefact import Manifest
from shared.model.decision_rules import find_population, select_band, select_kind
from training.data.records.labels import LABELS
from training.evaluation.result import Answers, Diagnosis
from training.evaluation.scored_sets import Judged
from training.evaluation.tasks import Task, score, truth
from training.metrics.bootstrap import Floats

REFUSED: Final = "refused"
#: In the order in which they alarm.
ANSWERS: Final = (Band.LOW.value, Band.ELEVATED.value, Band.HIGH.value, Band.UNCERTAIN.value, REFUSED)


def served_answers(probability: Floats, kinds: Floats, distance: Floats | None, manifest: Manifest) -> list[str]:
    """The band that each picture gets, or `REFUSED`; `probability` [n] is the one that a person is told.

    Where the distance [n] is not known, no picture is taken for strange.
    """
    found = []
    for row, told in enumerate(probability):
        kind = select_kind(kinds[row], manifest)
        away = 0.0 if distance is None else float(distance[row])
        population = None if kind is None else find_population(kind, away, manifest)
        found.append(REFUSED if kind is None else select_band(float(told), population, manifest).value)
    return found


def set_bands(judged: Judged, manifest: Manifest) -> list[str]:
    """The band of each picture's probability in its own population, whatever kind the model takes it for."""
    population = next((known for known in manifest.populations if known.name == judged.population), None)
    told = score(Task.COUNTED, judged.probabilities, manifest.labels)
    return [select_band(float(one), population, manifest).value for one in told]


def answers(judged: Judged, manifest: Manifest) -> Answers:
    """How many lesions whose label counts, and others, get which answer."""
    told = score(Task.COUNTED, judged.probabilities, manifest.labels)
    given = np.array(served_answers(told, judged.kinds, judged.distance, manifest))
    counted = truth(Task.COUNTED, judged.pictures)
    return Answers(counted=_counts(given[counted].tolist()), others=_counts(given[~counted].tolist()))


def diagnoses(judged: Judged, manifest: Manifest) -> tuple[Diagnosis, ...]:
    """For each label of the pictures, which bands they get."""
    labels, bands = np.array([image.label for image in judged.pictures]), np.array(set_bands(judged, manifest))
    told = score(Task.COUNTED, judged.probabilities, manifest.labels)
    return tuple(
        Diagnosis(
            label=label.name,
            title=label.title,
            counts=label.counts,
            pictures=int((labels == index).sum()),
            median=float(np.median(told[labels == index])),
            bands=_counts(bands[labels == index].tolist()),
        )
        for index, label in enumerate(LABELS)
        if (labels == index).any()
    )


def _counts(given: list[str]) -> dict[str, int]:
    counts = Counter(given)
    return {answer: counts[answer] for answer in ANSWERS if counts[answer]}
