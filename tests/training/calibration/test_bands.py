from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shared.model.decision_rules import find_bin
from training.calibration.bands import MAX_LOW_THRESHOLD, MIN_BIN_LESIONS, choose_bands, compute_reliability_bins
from training.metrics.bootstrap import Floats


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


def test_thresholds_are_the_first_scores_that_count_as_positive() -> None:
    """Of 20 malignant lesions one may score below the low threshold, of 10 others one from the high threshold on."""
    malignant, others = np.arange(1, 21) / 1000, np.arange(1, 11) / 10
    bands = choose_bands(np.concatenate([malignant, others]), np.arange(30) < 20)
    assert (bands.low_below, bands.low_sensitivity) == (0.002, 0.95)
    assert (bands.high_from, bands.high_specificity) == (np.nextafter(0.9, 1), 0.9)


def test_thresholds_do_not_cross_if_no_other_lesion_scores_high() -> None:
    bands = choose_bands(np.array([0.05] * 20 + [0.01] * 20), np.arange(40) < 20)
    assert bands.low_below == bands.high_from == 0.05


@pytest.mark.parametrize(("lesions", "bins"), [(1, 1), (79, 1), (80, 2), (119, 2), (480, 12), (5000, 12)])
def test_each_bin_needs_forty_lesions_and_there_are_at_most_twelve(lesions: int, bins: int) -> None:
    probabilities = np.linspace(0.01, 0.99, lesions)
    assert len(compute_reliability_bins(probabilities, probabilities > 0.5)) == bins


@given(
    probabilities=hnp.arrays(
        np.float64, st.integers(1, 500), elements=st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)
    )
)
def test_score_on_an_edge_is_counted_in_the_bin_that_serving_shows(probabilities: Floats) -> None:
    """The bin's count of lesions is shown to users whose score falls into it, so both sides must agree on edges."""
    is_malignant = probabilities >= 0.5
    bins = compute_reliability_bins(probabilities, is_malignant)
    shown = [find_bin(float(probability), bins) for probability in probabilities]
    for index, reliability_bin in enumerate(bins):
        inside = np.array([position == index for position in shown])
        assert reliability_bin.lesions == inside.sum()
        assert reliability_bin.malignant == is_malignant[inside].sum()
