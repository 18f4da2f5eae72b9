import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, precision_score, roc_auc_score

from training.metrics.auc import auc, auc_metric
from training.metrics.bootstrap import Flags, Floats, draw_weights, metric_with_interval
from training.metrics.curve import RocCurve, area_under_curve, average_precision, specificity_at_sensitivity
from training.metrics.operating_points import BinaryPredictions
from training.metrics.probability import calibration_error, make_brier_score, make_calibration_error


def made(levels: int, count: int = 300) -> tuple[Floats, Flags]:
    rng = np.random.default_rng(levels)
    positive = rng.random(count) < 0.2
    return rng.integers(0, levels, count) / levels * 0.9 + 0.1 * positive, positive


@pytest.mark.parametrize("levels", [5, 1000])
def test_every_draw_is_measured_as_scikit_learn_measures_it_with_ties_too(levels: int) -> None:
    scores, positive = made(levels)
    weights = draw_weights(positive, count=5)
    curve = RocCurve.from_scores(scores, positive, weights)
    figures = {
        "area": (area_under_curve(curve), roc_auc_score, scores),
        "precision": (average_precision(curve), average_precision_score, scores),
        "brier": (make_brier_score(scores, positive)(weights), brier_score_loss, scores),
        "ppv": (
            BinaryPredictions(scores >= 0.4, positive).metric_functions()["ppv"](weights),
            precision_score,
            scores >= 0.4,
        ),
    }
    for name, (found, measure, given) in figures.items():
        expected = [measure(positive, given, sample_weight=row) for row in weights]
        assert found == pytest.approx(expected, abs=1e-12), name


def test_specificity_at_a_sensitivity_is_that_of_a_real_threshold() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    positive = np.array([True, False, True, False, True, False])
    curve = RocCurve.from_scores(scores, positive, np.ones((1, 6)))
    for wanted, expected in ((0.3, 1.0), (0.34, 2 / 3), (0.67, 1 / 3), (1.0, 1 / 3)):
        assert specificity_at_sensitivity(curve, wanted)[0] == pytest.approx(expected), wanted


def test_predictive_values_follow_the_prevalence() -> None:
    """Nine in ten found, two in ten falsely called: among 1000 with 10 ill, 9 of 207 called are ill."""
    positive = np.arange(20) < 10
    called = np.concatenate([np.arange(10) < 9, np.arange(10) < 2])
    figures = BinaryPredictions(called, positive).metric_functions([0.01])
    once = np.ones((1, 20))
    assert figures["ppv_at_0.01"](once)[0] == pytest.approx(9 / 207)
    assert figures["npv_at_0.01"](once)[0] == pytest.approx(792 / 793)


def test_auc_of_one_class_is_undefined() -> None:
    scores, positive = np.arange(3.0), np.ones(3, bool)
    assert np.isnan(auc(scores, positive))
    with pytest.raises(ValueError, match="needs positive pictures and others"):
        auc_metric(scores, positive)


def test_interval_holds_the_value_and_narrows_with_more_pictures() -> None:
    rng = np.random.default_rng(1)
    widths = []
    for count in (60, 1000):
        positive = np.arange(count) % 4 == 0
        found = auc_metric(rng.normal(size=count) + positive, positive)
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.value < found.high
        assert found.pictures == count
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 2


def test_ten_pictures_of_each_patient_witness_as_much_as_one() -> None:
    """The same thirty patients: copies of their pictures must not make the interval narrow."""
    rng = np.random.default_rng(3)
    positive = np.arange(30) % 3 == 0
    scores = rng.normal(size=30) + positive
    once = auc_metric(scores, positive)
    patients = [str(number) for number in np.repeat(np.arange(30), 10)]
    often = auc_metric(np.repeat(scores, 10), np.repeat(positive, 10), patients)
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=0.02)


def test_calibration_error() -> None:
    probabilities = np.repeat([0.1, 0.3], 100)
    positive = np.concatenate([np.arange(100) % 10 == 0, np.arange(100) % 2 == 0])
    assert calibration_error(probabilities, positive) == pytest.approx(0.1)


def test_the_interval_of_a_calibration_error_is_not_all_above_it() -> None:
    rng = np.random.default_rng(5)
    probabilities = rng.random(500)
    positive = rng.random(500) < probabilities
    figure = make_calibration_error(probabilities, positive)
    naive = metric_with_interval(figure, draw_weights(positive))
    found = metric_with_interval(figure, draw_weights(positive), basic=True)
    assert naive is not None
    assert naive.low is not None
    assert found is not None
    assert found.low is not None
    assert found.low < found.value < (found.high or 0)
    assert naive.low > found.low
