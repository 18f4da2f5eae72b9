"""Figures of merit, from scores and outcomes alone."""

from typing import Final

import numpy as np
import numpy.typing as npt

from shared.artefact import Metric

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]

#: Draws of the bootstrap: the ends of a 95 % interval move by less than 0.002 between runs.
DRAWS: Final = 2000


def auc(scores: Floats, positive: Flags) -> float:
    """Area under the ROC curve of `scores` [n] for `positive` [n]; ties count half (Mann-Whitney).

    nan where all are positive or none is.
    """
    count = int(positive.sum())
    others = len(positive) - count
    if count == 0 or others == 0:
        return float("nan")
    # Ranks from 1; equal scores share the mean of theirs.
    _, places, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[places][positive].sum()
    return float((ranks - count * (count + 1) / 2) / (count * others))


def auc_metric(scores: Floats, positive: Flags, seed: int = 0) -> Metric:
    """The AUC with a 95 % percentile bootstrap interval, drawn within the positive and the others."""
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    found = []
    for _ in range(DRAWS):
        drawn = np.concatenate([rng.choice(group, len(group)) for group in groups])
        found.append(auc(scores[drawn], positive[drawn]))
    low, high = np.percentile(found, (2.5, 97.5))
    return Metric(value=auc(scores, positive), low=float(low), high=float(high), pictures=len(scores))


def calibration_error(probabilities: Floats, positive: Flags, bins: int = 10) -> float:
    """Expected calibration error: mean |found share - mean probability| over bins of equal numbers.

    Naeini et al. 2015, with quantile bins: most probabilities are small, and bins of equal width would leave
    all but the first nearly empty.
    """
    parts = np.array_split(np.argsort(probabilities, kind="stable"), bins)
    gaps = [abs(probabilities[part].mean() - positive[part].mean()) * len(part) for part in parts if len(part)]
    return float(sum(gaps) / len(probabilities))
