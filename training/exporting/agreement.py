"""Whether the exported graph says what the trained model says."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from training.calibration.judgement import Judgement
from training.errors import TrainingError
from training.exporting.features import Features
from training.exporting.graph import Storage
from training.exporting.predictor import Predicted
from training.model.build import POPULATIONS

#: Largest difference of a probability by how kernels are stored: rounding to eleven bits moves a score a little.
TOLERANCE: Final[Mapping[Storage, float]] = {Storage.SINGLE: 1e-4, Storage.HALF: 2e-2}


def largest_difference(features: Features, judgements: Sequence[Judgement], predicted: Predicted) -> float:
    """Largest difference of any probability between the trained model's `features`, judged, and the graph's."""
    chosen = predicted.kinds[:, : len(POPULATIONS)].argmax(axis=1)
    both = [judgement.calibration.probabilities(features.logits[:, head]) for head, judgement in enumerate(judgements)]
    wanted = np.stack(both, axis=1)[np.arange(len(chosen)), chosen]
    return float(np.abs(wanted - predicted.probabilities).max())


def check(features: Features, judgements: Sequence[Judgement], predicted: Predicted, storage: Storage) -> float:
    """`largest_difference`. Raises `TrainingError` where it is more than `TOLERANCE` allows."""
    difference = largest_difference(features, judgements, predicted)
    if difference > TOLERANCE[storage]:
        raise TrainingError(
            f"The exported graph differs from the trained model by {difference:.1g} in a probability, more than the"
            f" {TOLERANCE[storage]:.1g} that storing kernels as {storage} explains: it is not to be served."
        )
    return difference
