import numpy as np
import pytest

from training.calibration.temperature_scaling import TemperatureScaling, fit_temperature_scaling


def _draw(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn with exactly their probabilities."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 1.5, (count, 4))
    powers = np.exp(logits)
    edges = (powers / powers.sum(1, keepdims=True)).cumsum(1)
    return logits, (rng.random((count, 1)) > edges).sum(1)


def test_fit_recovers_temperature_and_offsets() -> None:
    logits, labels = _draw(6000)
    shift = np.array([1.0, -0.5, 0.0, -0.5])
    scaling = fit_temperature_scaling(logits * 2.5 - shift, labels)
    assert scaling.temperature == pytest.approx(2.5, rel=0.06)
    assert scaling.offsets == pytest.approx(shift, abs=0.15)
    assert scaling.probabilities(logits * 2.5 - shift).sum(1) == pytest.approx(np.ones(6000))


def test_fit_changes_calibrated_logits_little() -> None:
    logits, labels = _draw(6000)
    scaling = fit_temperature_scaling(logits, labels)
    assert scaling.temperature == pytest.approx(1, rel=0.06)
    assert scaling.offsets == pytest.approx(np.zeros(4), abs=0.1)


def test_label_without_lesions_becomes_unlikely_but_not_impossible() -> None:
    logits, labels = _draw(500)
    is_kept = labels != 3
    scaling = fit_temperature_scaling(logits[is_kept], labels[is_kept])
    assert scaling.offsets.mean() == pytest.approx(0)
    assert np.abs(scaling.offsets).max() < 10
    assert 0 < scaling.probabilities(logits)[:, 3].mean() < 0.02


def test_offsets_of_few_lesions_stay_small() -> None:
    """Three lesions of one label tell little about how rare the others are."""
    scaling = fit_temperature_scaling(np.zeros((3, 4)), np.zeros(3, int))
    assert 0 < scaling.offsets[0] < 5
    assert scaling.offsets[1:] == pytest.approx(np.full(3, scaling.offsets[1]))


def test_probabilities_are_the_softmax_of_shifted_and_scaled_logits() -> None:
    scaling = TemperatureScaling(temperature=2.0, offsets=np.array([1.0, -1.0]))
    assert scaling.probabilities(np.array([[0.0, 0.0]])) == pytest.approx(
        np.array([[1, np.exp(-1)]]) / (1 + np.exp(-1))
    )
    assert scaling.probabilities(np.array([[9e4, -9e4]])) == pytest.approx(np.array([[1.0, 0.0]]))
