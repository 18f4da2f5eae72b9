from itertools import pairwise

import numpy as np
import pytest

from training.calibration.temperature_scaling import (
    MAX_LOW_THRESHOLD,
    MIN_BIN_LESIONS,
    choose_bands,
    compute_reliability_bins,
    fit_temperature_scaling,
)


def _drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn with just these probabilities."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 1.5, (count, 4))
    powers = np.exp(logits)
    edges = (powers / powers.sum(1, keepdims=True)).cumsum(1)
    return logits, (rng.random((count, 1)) > edges).sum(1)


def test_finds_the_temperature_and_the_offsets() -> None:
    logits, labels = _drawn(6000)
    shift = np.array([1.0, -0.5, 0.0, -0.5])
    found = fit_temperature_scaling(logits * 2.5 - shift, labels)
    assert found.temperature == pytest.approx(2.5, rel=0.06)
    assert found.offsets == pytest.approx(shift, abs=0.15)
    assert found.probabilities(logits * 2.5 - shift).sum(1) == pytest.approx(np.ones(6000))


def test_leaves_calibrated_logits_alone() -> None:
    logits, labels = _drawn(6000)
    found = fit_temperature_scaling(logits, labels)
    assert found.temperature == pytest.approx(1, rel=0.06)
    assert found.offsets == pytest.approx(np.zeros(4), abs=0.1)


def test_bands_reach_what_they_are_chosen_for() -> None:
    rng = np.random.default_rng(4)
    malignant = rng.random(1000) < 0.15
    probabilities = (1 / (1 + np.exp(4 - 2.5 * malignant - rng.normal(size=1000)))).astype(np.float32)
    bands = choose_bands(probabilities, malignant)
    assert 0.95 <= bands.low_sensitivity < 0.96
    assert 0.90 <= bands.high_specificity < 0.91
    assert bands.low_below < bands.high_from
    # The record is that of the thresholds, counted again here.
    assert bands.low_specificity == (probabilities[~malignant] < bands.low_below).mean()
    assert bands.high_sensitivity == (probabilities[malignant] >= bands.high_from).mean()
    assert bands.low_sensitivity == (probabilities[malignant] >= bands.low_below).mean()
    assert bands.high_specificity == (probabilities[~malignant] < bands.high_from).mean()


def test_no_lesion_is_called_low_that_is_likelier_malignant_than_one_in_ten() -> None:
    """Where most are malignant, the threshold of 95 % sensitivity alone would call one half low."""
    rng = np.random.default_rng(5)
    malignant = rng.random(1000) < 0.7
    probabilities = 1 / (1 + np.exp(2 - 5 * malignant - rng.normal(size=1000)))
    assert np.quantile(probabilities[malignant], 0.05) > 0.5
    bands = choose_bands(probabilities, malignant)
    assert bands.low_below == MAX_LOW_THRESHOLD
    assert bands.low_sensitivity > 0.99
    assert bands.low_specificity == (probabilities[~malignant] < MAX_LOW_THRESHOLD).mean()


def test_bands_of_a_perfect_model_do_not_cross() -> None:
    malignant = np.arange(100) >= 50
    bands = choose_bands(np.arange(100) / 100, malignant)
    assert bands.low_below <= bands.high_from


def test_bands_need_both_outcomes() -> None:
    with pytest.raises(ValueError, match="malignant lesions and others"):
        choose_bands(np.arange(5) / 5, np.zeros(5, bool))


@pytest.mark.parametrize("count", [3, 45, 90, 1000])
def test_reliability_covers_everything_once(count: int) -> None:
    rng = np.random.default_rng(count)
    probabilities = rng.random(count) ** 3
    malignant = rng.random(count) < probabilities
    bins = compute_reliability_bins(probabilities, malignant)
    assert (bins[0].start, bins[-1].stop) == (0, 1)
    assert all(a.stop == b.start for a, b in pairwise(bins))
    assert sum(found.lesions for found in bins) == count
    assert sum(found.malignant for found in bins) == malignant.sum()
    assert len(bins) == 1 or min(found.lesions for found in bins) >= MIN_BIN_LESIONS - 1
    for found in bins:
        inside = (probabilities >= found.start) & (probabilities < found.stop)
        assert found.malignant == malignant[inside].sum()


def test_equal_probabilities_share_a_bin() -> None:
    bins = compute_reliability_bins(np.repeat([0.0, 0.5, 1.0], 200), np.repeat([False, True, True], 200))
    assert sum(found.lesions for found in bins) == 600
    assert all(found.start < found.stop for found in bins)
