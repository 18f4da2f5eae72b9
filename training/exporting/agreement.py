"""Whether the exported graph says what the trained model says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.calibration.judgement import Judgement
from training.data.records.labels import COUNTED
from training.errors import TrainingError
from training.exporting.calibration_inputs.features import Features
from training.exporting.graph import Storage
from training.exporting.predictor import Predicted
from training.metrics.auc import auc
from training.metrics.bootstrap import Flags
from training.model.classifier import POPULATIONS

#: Largest difference of a probability by how kernels are stored: rounding to eleven bits moves a score a little.
TOLERANCE: Final[Mapping[Storage, float]] = {Storage.SINGLE: 1e-4, Storage.HALF: 2e-2}


@dataclass(frozen=True)
class Agreement:
    """How far the graph is from the trained model.

    The largest difference of any probability, and by how much the graph's ROC AUC (counted labels against the rest) is
    the larger one.
    """

    difference: float
    auc_change: float


def agreement(features: Features, judgements: Sequence[Judgement], predicted: Predicted, counted: Flags) -> Agreement:
    """Compare the trained model's `features`, judged, with what the graph `predicted`; `counted` [n] is the truth."""
    chosen = predicted.kinds[:, : len(POPULATIONS)].argmax(axis=1)
    both = [judgement.calibration.probabilities(features.logits[:, head]) for head, judgement in enumerate(judgements)]
    wanted = np.stack(both, axis=1)[np.arange(len(chosen)), chosen]
    before, after = (auc(found[:, COUNTED].sum(axis=1), counted) for found in (wanted, predicted.probabilities))
    return Agreement(difference=float(np.abs(wanted - predicted.probabilities).max()), auc_change=after - before)


def check(
    features: Features, judgements: Sequence[Judgement], predicted: Predicted, counted: Flags, storage: Storage
) -> Agreement:
    """`agreement`. Raises `TrainingError` where the difference is more than `TOLERANCE` allows."""
    found = agreement(features, judgements, predicted, counted)
    if found.difference > TOLERANCE[storage]:
        raise TrainingError(
            f"The exported graph differs from the trained model by {found.difference:.1g} in a probability, more than"
            f" the {TOLERANCE[storage]:.1g} that storing kernels as {storage} explains: it is not to be served."
        )
    return found
