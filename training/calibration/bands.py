"""Thresholds of the bands and reliability bins, from the calibrated probabilities of held-out lesions."""

import math
from typing import Final

import numpy as np

from shared.model.artefact import Bands, ReliabilityBin
from training.metrics.bootstrap import Flags, Floats

#: Sensitivity of the low band's threshold: 5 % of the malignant lesions may score below it.
LOW_SENSITIVITY: Final = 0.95
#: Upper limit of the low band's threshold, whatever its sensitivity. Where most lesions are malignant, as in a clinic's
#: phone images, 95 % of them score above one half.
MAX_LOW_THRESHOLD: Final = 0.1
#: Specificity of the high band's threshold: 10 % of the other lesions may score above it.
HIGH_SPECIFICITY: Final = 0.90
#: Number of lesions that a reliability bin needs: with 40, a 95 % interval is at most 0.31 wide.
MIN_BIN_LESIONS: Final = 40
MAX_BINS: Final = 12


def choose_low_threshold(probabilities: Floats, is_malignant: Flags) -> float:
    """Choose the threshold of the low band: of the malignant lesions, `LOW_SENSITIVITY` have at least this probability.

    It is never above `MAX_LOW_THRESHOLD`. Arguments are those of `choose_bands`.
    """
    malignant = np.sort(probabilities[is_malignant])
    # The number of malignant lesions that may score below the threshold; the next lowest is the threshold itself.
    max_missed = int(len(malignant) * (1 - LOW_SENSITIVITY) + 1e-9)
    return float(min(malignant[max_missed], MAX_LOW_THRESHOLD))


def choose_bands(probabilities: Floats, is_malignant: Flags, max_low: float = MAX_LOW_THRESHOLD) -> Bands:
    """Choose the thresholds of the low and the high band.

    Args:
        probabilities: Of held-out lesions, [n].
        is_malignant: Bool [n].
        max_low: Upper limit of the low band's threshold.

    Returns:
        The thresholds, with the sensitivity and specificity of each on these lesions. A lesion counts as positive if
        its probability is at least the threshold.

    Raises:
        ValueError: All lesions are malignant, or none is.
    """
    if is_malignant.all() or not is_malignant.any():
        raise ValueError("bands need malignant lesions and others")
    malignant, others = np.sort(probabilities[is_malignant]), np.sort(probabilities[~is_malignant])
    low = min(choose_low_threshold(probabilities, is_malignant), max_low)
    # One step above the last probability that must stay below the threshold.
    high = max(low, np.nextafter(others[math.ceil(len(others) * HIGH_SPECIFICITY) - 1], 1))
    return Bands(
        low_below=float(low),
        low_sensitivity=float((malignant >= low).mean()),
        low_specificity=float((others < low).mean()),
        high_from=float(high),
        high_sensitivity=float((malignant >= high).mean()),
        high_specificity=float((others < high).mean()),
    )


def compute_reliability_bins(probabilities: Floats, is_malignant: Flags) -> tuple[ReliabilityBin, ...]:
    """Count malignant lesions in bins that cover [0, 1] without gaps and hold about equally many lesions.

    Lesions of equal probability share a bin, so there may be fewer bins, of different sizes.

    Args:
        probabilities: Of held-out lesions, [n].
        is_malignant: Bool [n].
    """
    count = int(np.clip(len(probabilities) // MIN_BIN_LESIONS, 1, MAX_BINS))
    inner_edges = np.quantile(probabilities, np.arange(1, count) / count)
    edges = np.unique(np.concatenate([[0.0], inner_edges, [1.0]]))
    bin_indices = np.clip(np.searchsorted(edges, probabilities, side="right") - 1, 0, len(edges) - 2)
    return tuple(
        ReliabilityBin(
            start=float(edges[index]),
            stop=float(edges[index + 1]),
            lesions=int((bin_indices == index).sum()),
            malignant=int(is_malignant[bin_indices == index].sum()),
        )
        for index in range(len(edges) - 1)
    )
