"""Whether probabilities mean what they say."""

from typing import Final

import numpy as np

from training.metrics.bootstrap import DrawWeights, Flags, Floats, MetricFunction

#: Bins of the calibration error.
BIN_COUNT: Final = 10


def calibration_error(probabilities: Floats, positive: Flags) -> float:
    """Expected calibration error of `probabilities` [n] for `positive` [n]; see `calibration_errors`."""
    return float(make_calibration_error(probabilities, positive)(np.ones((1, len(positive))))[0])


def make_calibration_error(probabilities: Floats, positive: Flags) -> MetricFunction:
    """Measures the expected calibration error: mean |found share - mean probability| over bins of equal numbers.

    Naeini et al. 2015, with quantile bins: most probabilities are small, and bins of equal width would leave
    all but the first nearly empty.
    """
    parts = [part for part in np.array_split(np.argsort(probabilities, kind="stable"), BIN_COUNT) if len(part)]
    away = positive - probabilities

    def error(weights: DrawWeights) -> Floats:
        gaps = sum(np.abs(weights[:, part] @ away[part]) for part in parts)
        return np.asarray(gaps / weights.sum(axis=1))

    return error


def make_brier_score(probabilities: Floats, positive: Flags) -> MetricFunction:
    """Measures the mean squared difference of `probabilities` [n] from what came (Brier 1950); 0 is perfect."""
    squares = (probabilities - positive) ** 2
    return lambda weights: np.asarray(weights @ squares / weights.sum(axis=1))
