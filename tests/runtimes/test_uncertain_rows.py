"""A prediction is uncertain if an error of reduced precision could change its answer."""

from math import exp, log
from typing import Final

import numpy as np
import pytest

from runtimes.base import PredictionBatch
from runtimes.uncertain_rows import KIND_MARGIN, NO_LESION_MARGIN, PROBABILITY_MARGIN, find_uncertain_rows
from shared.model.artefact import Manifest

DERMATOSCOPE: Final = (0.97, 0.02, 0.01)
PHONE: Final = (0.02, 0.97, 0.01)


def is_uncertain(
    manifest: Manifest, probability: float, kinds: tuple[float, ...] = DERMATOSCOPE, distance: float = 0.8
) -> bool:
    """Ask about one row whose counted labels have this probability."""
    counted = np.array([label.counts for label in manifest.labels])
    probabilities = np.where(counted, probability / counted.sum(), (1 - probability) / (~counted).sum())
    batch = PredictionBatch(
        probabilities[None].astype(np.float32),
        np.zeros((1, 7, 7), np.float32),
        np.array([distance], np.float32),
        np.array([kinds], np.float32),
    )
    return bool(find_uncertain_rows(batch, manifest)[0])


def shift(probability: float, log_odds: float) -> float:
    return 1 / (1 + exp(-(log(probability / (1 - probability)) + log_odds)))


@pytest.mark.parametrize(("index", "kinds"), [(0, DERMATOSCOPE), (1, PHONE)])
@pytest.mark.parametrize("threshold", ["low_below", "high_from"])
@pytest.mark.parametrize("side", [-1, 1])
def test_score_near_a_band_of_its_own_population_is_uncertain(
    manifest: Manifest, index: int, kinds: tuple[float, ...], threshold: str, side: int
) -> None:
    value = getattr(manifest.populations[index].bands, threshold)
    other = getattr(manifest.populations[1 - index].bands, threshold)
    assert is_uncertain(manifest, shift(value, side * PROBABILITY_MARGIN * 0.9), kinds)
    assert not is_uncertain(manifest, shift(value, side * PROBABILITY_MARGIN * 1.1), kinds)
    assert not is_uncertain(manifest, other, kinds)


def test_far_image_is_uncertain_only_near_the_threshold_above_which_it_is_high(manifest: Manifest) -> None:
    far = manifest.populations[0].max_distance * 1.1
    thresholds = [population.bands.high_from for population in manifest.populations]
    assert is_uncertain(manifest, max(thresholds), distance=far)
    assert not is_uncertain(manifest, min(thresholds), distance=far)


def test_image_at_the_largest_distance_is_uncertain(manifest: Manifest) -> None:
    for sign in (-1, 1):
        assert is_uncertain(manifest, 0.01, distance=manifest.populations[0].max_distance * (1 + sign * 0.015))
        assert not is_uncertain(manifest, 0.01, distance=manifest.populations[0].max_distance * (1 + sign * 0.03))


def test_two_kinds_about_as_likely_are_uncertain(manifest: Manifest) -> None:
    for margin, expected in ((KIND_MARGIN * 0.9, True), (KIND_MARGIN * 1.1, False)):
        share = 0.99 / (1 + exp(-margin))
        assert is_uncertain(manifest, 0.01, (share, 0.99 - share, 0.01)) is expected
        assert is_uncertain(manifest, 0.01, (0.99 - share, share, 0.01)) is expected


def test_share_of_no_lesion_near_the_refusal_is_uncertain(manifest: Manifest) -> None:
    assert manifest.kinds.refuse_from is not None
    for sign in (-1, 1):
        for factor, expected in ((0.9, True), (1.1, False)):
            share = shift(manifest.kinds.refuse_from, sign * factor * NO_LESION_MARGIN)
            kinds = (0.9 * (1 - share), 0.1 * (1 - share), share)
            assert is_uncertain(manifest, 0.01, kinds) is expected


def test_image_that_is_certainly_refused_is_certain_whatever_its_score(manifest: Manifest) -> None:
    low_below = manifest.populations[0].bands.low_below
    assert not is_uncertain(manifest, low_below, (0.05, 0.05, 0.9))
    assert is_uncertain(manifest, low_below, DERMATOSCOPE)


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_extreme_scores_are_certain(manifest: Manifest, probability: float) -> None:
    assert not is_uncertain(manifest, probability, (1.0, 0.0, 0.0), 0.0)
