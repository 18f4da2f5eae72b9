import numpy as np
import pytest

from training.metrics.auc import auc, auc_metric


def test_auc_of_one_class_is_undefined() -> None:
    scores, positive = np.arange(3.0), np.ones(3, bool)
    assert np.isnan(auc(scores, positive))
    with pytest.raises(ValueError, match="needs positive pictures and others"):
        auc_metric(scores, positive)
