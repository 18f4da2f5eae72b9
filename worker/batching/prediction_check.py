"""Checks the model's output once, right after predict: an output that breaks the runtimes' protocol is no answer."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from runtimes.base import PredictionBatch

#: How far shares may be from [0, 1] and their sum from 1. Half-precision devices round by less.
_TOLERANCE: Final = 0.02


def find_valid_rows(predictions: PredictionBatch) -> NDArray[np.bool_]:
    """Return for each image whether its outputs are finite and in range. Comparisons with NaN are false.

    Evidence is not checked: the evidence map shows a value that is not finite as no evidence.
    """
    return (
        _are_shares(predictions.probabilities)
        & _are_shares(predictions.kinds)
        & np.isfinite(predictions.distance)
        & (predictions.distance >= 0)
    )


def _are_shares(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return for each row whether it is a distribution."""
    in_range = ((values >= -_TOLERANCE) & (values <= 1 + _TOLERANCE)).all(axis=1)
    is_whole: NDArray[np.bool_] = in_range & (np.abs(values.sum(axis=1) - 1) <= _TOLERANCE)
    return is_whole
