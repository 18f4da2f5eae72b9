import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.evaluation.metrics import auc, auc_metric, calibration_error


@pytest.mark.parametrize("levels", [5, 1000])
def test_auc_is_that_of_scikit_learn_with_ties_too(levels: int) -> None:
    rng = np.random.default_rng(levels)
    positive = rng.random(300) < 0.2
    scores = rng.integers(0, levels, 300) / levels + 0.1 * positive
    assert auc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def test_auc_of_one_class_is_undefined() -> None:
    assert np.isnan(auc(np.arange(3.0), np.ones(3, bool)))


def test_interval_holds_the_value_and_narrows_with_more_pictures() -> None:
    rng = np.random.default_rng(1)
    widths = []
    for count in (60, 1000):
        positive = np.arange(count) % 4 == 0
        metric = auc_metric(rng.normal(size=count) + positive, positive)
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low < metric.value < metric.high
        assert metric.pictures == count
        widths.append(metric.high - metric.low)
    assert widths[1] < widths[0] / 2


def test_calibration_error() -> None:
    probabilities = np.repeat([0.1, 0.3], 100)
    positive = np.concatenate([np.arange(100) < 10, np.arange(100) < 50])
    assert calibration_error(probabilities, positive, bins=2) == pytest.approx(0.1)
