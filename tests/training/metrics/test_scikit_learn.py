import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, precision_score, roc_auc_score

from training.metrics.bootstrap import Flags, Floats, draw_weights
from training.metrics.curve import RocCurve, area_under_curve, average_precision
from training.metrics.operating_points import BinaryPredictions
from training.metrics.probability import make_brier_score


def make_scores(levels: int, count: int = 300) -> tuple[Floats, Flags]:
    rng = np.random.default_rng(levels)
    positive = rng.random(count) < 0.2
    return rng.integers(0, levels, count) / levels * 0.9 + 0.1 * positive, positive


@pytest.mark.parametrize("levels", [5, 1000])
def test_each_draw_agrees_with_scikit_learn_also_with_ties(levels: int) -> None:
    scores, positive = make_scores(levels)
    weights = draw_weights(positive, count=5)
    curve = RocCurve.from_scores(scores, positive, weights)
    metrics = {
        "area": (area_under_curve(curve), roc_auc_score, scores),
        "precision": (average_precision(curve), average_precision_score, scores),
        "brier": (make_brier_score(scores, positive)(weights), brier_score_loss, scores),
        "ppv": (
            BinaryPredictions(scores >= 0.4, positive).metric_functions()["ppv"](weights),
            precision_score,
            scores >= 0.4,
        ),
    }
    for name, (values, reference_metric, scored) in metrics.items():
        expected = [reference_metric(positive, scored, sample_weight=row) for row in weights]
        assert values == pytest.approx(expected, abs=1e-12), name
