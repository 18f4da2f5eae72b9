"""Whether the exported graph says what the trained model says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.calibration.population_calibration import PopulationCalibration
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

    max_difference: float
    auc_change: float


def compare_with_model(
    features: Features, calibrations: Sequence[PopulationCalibration], predicted: Predicted, is_counted: Flags
) -> Agreement:
    """Compare the trained model's `features`, judged, with what the graph `predicted`; `counted` [n] is the truth."""
    chosen = predicted.kinds[:, : len(POPULATIONS)].argmax(axis=1)
    both = [
        calibration.scaling.probabilities(features.logits[:, head]) for head, calibration in enumerate(calibrations)
    ]
    wanted = np.stack(both, axis=1)[np.arange(len(chosen)), chosen]
    before, after = (auc(found[:, COUNTED].sum(axis=1), is_counted) for found in (wanted, predicted.probabilities))
    return Agreement(max_difference=float(np.abs(wanted - predicted.probabilities).max()), auc_change=after - before)


def check_agreement(
    features: Features,
    calibrations: Sequence[PopulationCalibration],
    predicted: Predicted,
    is_counted: Flags,
    storage: Storage,
) -> Agreement:
    """`agreement`. Raises `TrainingError` where the difference is more than `TOLERANCE` allows."""
    found = compare_with_model(features, calibrations, predicted, is_counted)
    if found.max_difference > TOLERANCE[storage]:
        raise TrainingError(
            f"The exported graph differs from the trained model by {found.max_difference:.1g} in a probability, more"
            f" than the {TOLERANCE[storage]:.1g} that storing kernels as {storage} explains: it is not to be served."
        )
    return found
