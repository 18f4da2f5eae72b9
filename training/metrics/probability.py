"""Whether probabilities mean what they say."""

from typing import Final

import numpy as np

from training.metrics.bootstrap import Figure, Flags, Floats, Weights

#: Bins of the calibration error.
BINS: Final = 10


def calibration_error(probabilities: Floats, positive: Flags) -> float:
    """Expected calibration error of `probabilities` [n] for `positive` [n]; see `calibration_errors`."""
    return float(calibration_errors(probabilities, positive)(np.ones((1, len(positive))))[0])


def calibration_errors(probabilities: Floats, positive: Flags) -> Figure:
    """Measures the expected calibration error: mean |found share - mean probability| over bins of equal numbers.

    Naeini et al. 2015, with quantile bins: most probabilities are small, and bins of equal width would leave
    all but the first nearly empty.
    """
    parts = [part for part in np.array_split(np.argsort(probabilities, kind="stable"), BINS) if len(part)]
    away = positive - probabilities

    def error(weights: Weights) -> Floats:
        gaps = sum(np.abs(weights[:, part] @ away[part]) for part in parts)
        return np.asarray(gaps / weights.sum(axis=1))

    return error


def brier_scores(probabilities: Floats, positive: Flags) -> Figure:
    """Measures the mean squared difference of `probabilities` [n] from what came (Brier 1950); 0 is perfect."""
    squares = (probabilities - positive) ** 2
    return lambda weights: np.asarray(weights @ squares / weights.sum(axis=1))
