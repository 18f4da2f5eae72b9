from itertools import pairwise

import numpy as np
import pytest

from training.calibration.bands import MAX_LOW_THRESHOLD, MIN_BIN_LESIONS, choose_bands, compute_reliability_bins


def test_bands_reach_their_sensitivity_and_specificity() -> None:
    rng = np.random.default_rng(4)
    malignant = rng.random(1000) < 0.15
    probabilities = (1 / (1 + np.exp(4 - 2.5 * malignant - rng.normal(size=1000)))).astype(np.float32)
    bands = choose_bands(probabilities, malignant)
    assert 0.95 <= bands.low_sensitivity < 0.96
    assert 0.90 <= bands.high_specificity < 0.91
    assert bands.low_below < bands.high_from
    # The recorded rates are those of the thresholds.
    assert bands.low_specificity == (probabilities[~malignant] < bands.low_below).mean()
    assert bands.high_sensitivity == (probabilities[malignant] >= bands.high_from).mean()
    assert bands.low_sensitivity == (probabilities[malignant] >= bands.low_below).mean()
    assert bands.high_specificity == (probabilities[~malignant] < bands.high_from).mean()


def test_low_threshold_has_an_upper_limit() -> None:
    """If most lesions are malignant, the threshold of 95 % sensitivity alone would put one half into the low band."""
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
def test_reliability_bins_contain_each_lesion_once(count: int) -> None:
    rng = np.random.default_rng(count)
    probabilities = rng.random(count) ** 3
    malignant = rng.random(count) < probabilities
    bins = compute_reliability_bins(probabilities, malignant)
    assert (bins[0].start, bins[-1].stop) == (0, 1)
    assert all(a.stop == b.start for a, b in pairwise(bins))
    assert sum(reliability_bin.lesions for reliability_bin in bins) == count
    assert sum(reliability_bin.malignant for reliability_bin in bins) == malignant.sum()
    assert len(bins) == 1 or min(reliability_bin.lesions for reliability_bin in bins) >= MIN_BIN_LESIONS - 1
    for reliability_bin in bins:
        inside = (probabilities >= reliability_bin.start) & (probabilities < reliability_bin.stop)
        assert reliability_bin.malignant == malignant[inside].sum()


def test_equal_probabilities_share_a_bin() -> None:
    bins = compute_reliability_bins(np.repeat([0.0, 0.5, 1.0], 200), np.repeat([False, True, True], 200))
    assert sum(reliability_bin.lesions for reliability_bin in bins) == 600
    assert all(reliability_bin.start < reliability_bin.stop for reliability_bin in bins)
