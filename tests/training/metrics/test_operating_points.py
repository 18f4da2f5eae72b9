import numpy as np
import pytest

from training.metrics.operating_points import BinaryPredictions


def test_predictive_values_follow_the_prevalence() -> None:
    """Sensitivity 0.9 and specificity 0.8: of 1000 with 10 positive, 9 of 207 predicted positive are positive."""
    positive = np.arange(20) < 10
    predicted = np.concatenate([np.arange(10) < 9, np.arange(10) < 2])
    functions = BinaryPredictions(predicted, positive).metric_functions([0.01])
    once = np.ones((1, 20))
    assert functions["ppv_at_0.01"](once)[0] == pytest.approx(9 / 207)
    assert functions["npv_at_0.01"](once)[0] == pytest.approx(792 / 793)
