"""An output that is not finite or out of range is no answer; rounding is."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from runtimes.base import PredictionBatch
from worker.batching.prediction_check import find_valid_rows

VALID = PredictionBatch(
    probabilities=np.array([[0.5, 0.25, 0.25], [1, 0, 0], [0, 0, 1]], np.float32),
    evidence=np.zeros((3, 2, 2), np.float32),
    distance=np.array([0, 1, 1e6], np.float32),
    kinds=np.array([[1, 0], [0.5, 0.5], [0, 1]], np.float32),
)


def with_value(name: str, value: float) -> PredictionBatch:
    """`VALID` with another value in the second row."""
    changed: NDArray[np.float32] = getattr(VALID, name).copy()
    changed[1, ...] = value if changed.ndim == 1 else [value, *changed[1, 1:]]
    return replace(VALID, **{name: changed})


def test_valid_outputs_pass() -> None:
    assert find_valid_rows(VALID).tolist() == [True] * 3
    rounded = replace(VALID, kinds=np.array([[1.002, -0.001], [0.501, 0.5], [0, 1]], np.float32))
    assert find_valid_rows(rounded).tolist() == [True] * 3, "a half-precision device rounds"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.5, 1.5, 0])
@pytest.mark.parametrize("name", ["probabilities", "kinds"])
def test_shares_that_are_no_distribution_fail_in_their_row_alone(name: str, value: float) -> None:
    assert find_valid_rows(with_value(name, value)).tolist() == [True, False, True]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1])
def test_distance_that_is_none_fails_in_its_row_alone(value: float) -> None:
    assert find_valid_rows(with_value("distance", value)).tolist() == [True, False, True]
