"""Compares the exported graph with the trained model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from runtimes.base import PredictionBatch
from training.calibration.population_calibration import PopulationCalibration
from training.data.records.labels import COUNTED
from training.errors import TrainingError
from training.exporting.calibration_inputs.features import Features
from training.exporting.forms.graph import Storage
from training.metrics.auc import auc
from training.metrics.bootstrap import Flags
from training.model.classifier import POPULATIONS

#: Largest allowed difference of a probability. Half precision rounds kernels to eleven bits, which moves a score a
#: little.
TOLERANCE: Final[Mapping[Storage, float]] = {Storage.SINGLE: 1e-4, Storage.HALF: 2e-2}


@dataclass(frozen=True)
class Agreement:
    """Differences between the graph and the trained model.

    Attributes:
        max_difference: Largest difference of any probability.
        auc_change: ROC AUC of the graph less that of the model, for the labels that count against the rest.
    """

    max_difference: float
    auc_change: float


def compare_with_model(
    features: Features, calibrations: Sequence[PopulationCalibration], predicted: PredictionBatch, is_counted: Flags
) -> Agreement:
    """Compare the probabilities of the graph with those of the trained model.

    Args:
        features: Outputs of the trained model for n images.
        calibrations: Of each population, in the order of the heads.
        predicted: Outputs of the graph for the same images.
        is_counted: Bool [n], true for lesions of a label that counts.
    """
    heads = predicted.kinds[:, : len(POPULATIONS)].argmax(axis=1)
    by_head = [
        calibration.scaling.probabilities(features.logits[:, head]) for head, calibration in enumerate(calibrations)
    ]
    expected = np.stack(by_head, axis=1)[np.arange(len(heads)), heads]
    before, after = (auc(values[:, COUNTED].sum(axis=1), is_counted) for values in (expected, predicted.probabilities))
    return Agreement(max_difference=float(np.abs(expected - predicted.probabilities).max()), auc_change=after - before)


def check_agreement(
    features: Features,
    calibrations: Sequence[PopulationCalibration],
    predicted: PredictionBatch,
    is_counted: Flags,
    storage: Storage,
) -> Agreement:
    """Compare the graph with the trained model as `compare_with_model` does, and refuse a graph that differs.

    Raises:
        TrainingError: A probability differs by more than `TOLERANCE` allows for this `storage`.
    """
    agreement = compare_with_model(features, calibrations, predicted, is_counted)
    if agreement.max_difference > TOLERANCE[storage]:
        raise TrainingError(
            f"The exported graph differs from the trained model by {agreement.max_difference:.1g} in a probability,"
            f" more than the {TOLERANCE[storage]:.1g} that storing kernels as {storage} explains: it is not to be"
            " served."
        )
    return agreement
