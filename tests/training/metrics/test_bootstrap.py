import numpy as np
import pytest

from training.metrics.auc import auc_metric


def test_interval_contains_the_value_and_narrows_with_more_images() -> None:
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


def test_copies_of_each_patients_image_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(3)
    positive = np.arange(30) % 3 == 0
    scores = rng.normal(size=30) + positive
    once = auc_metric(scores, positive)
    patients = [str(number) for number in np.repeat(np.arange(30), 10)]
    often = auc_metric(np.repeat(scores, 10), np.repeat(positive, 10), patients)
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=0.02)
