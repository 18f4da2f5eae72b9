"""Metrics of probabilities: calibration error and Brier score."""

from typing import Final

import numpy as np

from training.metrics.bootstrap import DrawWeights, Flags, Floats, MetricFunction

#: Bins of the calibration error.
BIN_COUNT: Final = 10


def calibration_error(probabilities: Floats, positive: Flags) -> float:
    """Compute the expected calibration error of `probabilities` [n] for `positive` [n] by `make_calibration_error`."""
    return float(make_calibration_error(probabilities, positive)(np.ones((1, len(positive))))[0])


def make_calibration_error(probabilities: Floats, positive: Flags) -> MetricFunction:
    """Make a function of the expected calibration error: mean |observed rate - mean probability| over the bins.

    After Naeini et al. 2015, but with bins of equal numbers: most probabilities are small, so that bins of equal width
    would all be nearly empty but the first.
    """
    parts = [part for part in np.array_split(np.argsort(probabilities, kind="stable"), BIN_COUNT) if len(part)]
    errors = positive - probabilities

    def error(weights: DrawWeights) -> Floats:
        gaps = sum(np.abs(weights[:, part] @ errors[part]) for part in parts)
        return np.asarray(gaps / weights.sum(axis=1))

    return error


def make_brier_score(probabilities: Floats, positive: Flags) -> MetricFunction:
    """Make a function of the Brier score (Brier 1950): mean squared error of `probabilities` [n]; 0 is perfect."""
    squares = (probabilities - positive) ** 2
    return lambda weights: np.asarray(weights @ squares / weights.sum(axis=1))
