import numpy as np
import pytest

from training.calibration.temperature_scaling import fit_temperature_scaling


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
