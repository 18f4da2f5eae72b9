import numpy as np
import pytest

from training.metrics.bootstrap import draw_weights, metric_with_interval
from training.metrics.probability import assign_bins, calibration_error, make_calibration_error


def test_calibration_error_is_the_mean_gap_over_the_bins() -> None:
    probabilities = np.repeat([0.1, 0.3], 100)
    positive = np.concatenate([np.arange(100) % 10 == 0, np.arange(100) % 2 == 0])
    assert calibration_error(probabilities, positive).value == pytest.approx(0.1)


def test_calibration_error_does_not_depend_on_the_order_of_equal_probabilities() -> None:
    rng = np.random.default_rng(3)
    probabilities = rng.choice([0.05, 0.2, 0.21, 0.7], 95, p=[0.5, 0.3, 0.1, 0.1])
    positive = rng.random(95) < 0.3
    errors = {
        round(calibration_error(probabilities[order], positive[order]).value, 9)
        for order in (np.argsort(positive), np.argsort(~positive), rng.permutation(95))
    }
    assert len(errors) == 1


def test_bins_of_different_probabilities_hold_about_equally_many() -> None:
    bins = assign_bins(np.random.default_rng(1).random(43))
    assert sorted(np.bincount(bins).tolist()) == [4] * 7 + [5] * 3
    assert set(np.diff(bins[np.argsort(np.random.default_rng(1).random(43))])) == {0, 1}


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
