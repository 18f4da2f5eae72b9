"""Metrics of probabilities: calibration error and Brier score."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.model.artefact import Metric
from training.metrics.bootstrap import (
    DrawWeights,
    Flags,
    Floats,
    MetricFunction,
    draw_weights,
    metric_with_interval,
)

#: Bins of the calibration error.
BIN_COUNT: Final = 10


def assign_bins(probabilities: Floats, count: int = BIN_COUNT) -> npt.NDArray[np.int64]:
    """Assign `probabilities` [n] to `count` bins of about equal numbers, from the lowest to the highest.

    Equal probabilities share a bin, that of their middle rank, so the order of the rows does not matter.

    Returns:
        Number of the bin of each row, [n]; a bin may be empty.
    """
    _, members, sizes = np.unique(probabilities, return_inverse=True, return_counts=True)
    middle_ranks = np.cumsum(sizes) - (sizes + 1) / 2
    ends = np.cumsum([len(part) for part in np.array_split(np.arange(len(probabilities)), count)])
    return np.asarray(np.searchsorted(ends, middle_ranks, side="right")[members], np.int64)


def calibration_error(probabilities: Floats, positive: Flags, groups: Sequence[str] | None = None) -> Metric:
    """Compute the calibration error of `make_calibration_error` with its basic 95 % bootstrap interval.

    Args:
        probabilities: Probabilities [n], n >= 1.
        positive: Outcomes [n].
        groups: Patient or lesion of each image [n]; groups are drawn whole (`bootstrap.draw_weights`).

    Raises:
        ValueError: If there are no probabilities.
    """
    error = make_calibration_error(probabilities, positive)
    metric = metric_with_interval(error, draw_weights(positive, groups), basic=True)
    if metric is None:
        raise ValueError("a calibration error needs pictures")
    return metric


def make_calibration_error(probabilities: Floats, positive: Flags) -> MetricFunction:
    """Make a function of the expected calibration error: mean |observed rate - mean probability| over the bins.

    After Naeini et al. 2015, but with bins of equal numbers: most probabilities are small, so that bins of equal width
    would all be nearly empty but the first.
    """
    bins = assign_bins(probabilities)
    parts = [np.flatnonzero(bins == number) for number in np.unique(bins)]
    errors = positive - probabilities

    def error(weights: DrawWeights) -> Floats:
        gaps = sum(np.abs(weights[:, part] @ errors[part]) for part in parts)
        return np.asarray(gaps / weights.sum(axis=1))

    return error


def make_brier_score(probabilities: Floats, positive: Flags) -> MetricFunction:
    """Make a function of the Brier score (Brier 1950): mean squared error of `probabilities` [n]; 0 is perfect."""
    squares = (probabilities - positive) ** 2
    return lambda weights: np.asarray(weights @ squares / weights.sum(axis=1))
