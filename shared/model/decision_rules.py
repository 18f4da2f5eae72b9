"""Turns a prediction into kind, population, band and bin by the artefact's numbers, in serving and evaluation alike."""

from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.contract.decision import Band
from shared.model.artefact import Manifest, Population, ReliabilityBin

#: 97.5 % quantile of the normal distribution: a two-sided 95 % interval.
_Z: Final = 1.959964


def select_kind(kinds: npt.NDArray[np.floating], manifest: Manifest) -> str | None:
    """Select the kind of an image from the shares [kinds]; None if the image is refused as no lesion."""
    shares = dict(zip(manifest.kinds.names, kinds.tolist(), strict=True))
    no_lesion_share, refuse_from = shares.pop(manifest.kinds.no_lesion), manifest.kinds.refuse_from
    return None if refuse_from is not None and no_lesion_share >= refuse_from else max(shares, key=shares.__getitem__)


def find_population(kind: str, distance: float, manifest: Manifest) -> Population | None:
    """Find the population that was measured on such images; None if none was."""
    for population in manifest.populations:
        if population.name == kind and distance <= population.max_distance:
            return population
    return None


def select_band(probability: float, population: Population | None, manifest: Manifest) -> Band:
    """Select the band of a calibrated probability, in [0, 1], in the population of the image."""
    if population is None:
        # Nothing was measured for such an image, so it is never low. It may still be high: if every measured
        # population would call it high, a doctor should see the lesion.
        is_high_everywhere = all(probability >= known.bands.high_from for known in manifest.populations)
        return Band.HIGH if is_high_everywhere else Band.UNCERTAIN
    if probability >= population.bands.high_from:
        return Band.HIGH
    return Band.LOW if probability < population.bands.low_below else Band.ELEVATED


def decide_answer(
    probability: float, kinds: npt.NDArray[np.floating], distance: float, manifest: Manifest
) -> Band | None:
    """Decide the band of an image from its probability, kinds [kinds] and feature distance; None if it is refused."""
    kind = select_kind(kinds, manifest)
    return None if kind is None else select_band(probability, find_population(kind, distance, manifest), manifest)


def find_bin(probability: float, bins: tuple[ReliabilityBin, ...]) -> int | None:
    """Find the index of the bin of held-out lesions that scored like `probability`; None if no bin covers it."""
    for index, held_out in enumerate(bins):
        is_last = index == len(bins) - 1
        if held_out.start <= probability < held_out.stop or (is_last and probability >= held_out.start):
            return index
    return None


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """Compute the 95 % Wilson score interval of a share, both ends in [0, 1], for `trials` >= 1 (Wilson 1927)."""
    share, z2 = hits / trials, _Z**2
    centre = share + z2 / (2 * trials)
    spread = _Z * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    denominator = 1 + z2 / trials
    return max(0.0, (centre - spread) / denominator), min(1.0, (centre + spread) / denominator)
