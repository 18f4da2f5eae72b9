import numpy as np
import pytest

from training.metrics.bootstrap import draw_weights, metric_with_interval
from training.metrics.probability import calibration_error, make_calibration_error


def test_calibration_error_is_the_mean_gap_over_the_bins() -> None:
    probabilities = np.repeat([0.1, 0.3], 100)
    positive = np.concatenate([np.arange(100) % 10 == 0, np.arange(100) % 2 == 0])
    assert calibration_error(probabilities, positive) == pytest.approx(0.1)


def test_basic_interval_of_a_calibration_error_contains_it() -> None:
    rng = np.random.default_rng(5)
    probabilities = rng.random(500)
    positive = rng.random(500) < probabilities
    function = make_calibration_error(probabilities, positive)
    percentile = metric_with_interval(function, draw_weights(positive))
    basic = metric_with_interval(function, draw_weights(positive), basic=True)
    assert percentile is not None
    assert percentile.low is not None
    assert basic is not None
    assert basic.low is not None
    assert basic.low < basic.value < (basic.high or 0)
    assert percentile.low > basic.low
