import numpy as np
import pytest

from training.metrics.curve import RocCurve, specificity_at_sensitivity


def test_specificity_at_sensitivity_is_that_of_a_real_threshold() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    positive = np.array([True, False, True, False, True, False])
    curve = RocCurve.from_scores(scores, positive, np.ones((1, 6)))
    for sensitivity, expected in ((0.3, 1.0), (0.34, 2 / 3), (0.67, 1 / 3), (1.0, 1 / 3)):
        assert specificity_at_sensitivity(curve, sensitivity)[0] == pytest.approx(expected), sensitivity
