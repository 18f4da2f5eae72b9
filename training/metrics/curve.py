"""ROC curves of many bootstrap draws at once, and the metrics that are computed from them.

scikit-learn computes one set at a time, which takes half an hour for two thousand draws of forty groups. The tests
compare these metrics with scikit-learn's.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from training.metrics.bootstrap import DrawWeights, Flags, Floats

#: Sensitivities are ratios of counts: one that is below a limit by no more than this reaches it.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class RocCurve:
    """Counts of true and false positives as the threshold falls from above all scores to the lowest one.

    `thresholds` is [thresholds]; both counts are float [draws, thresholds + 1]. An image is predicted positive if its
    score is at least the threshold, so equal scores count together.
    """

    thresholds: Floats
    true_positives: npt.NDArray[np.float64]
    false_positives: npt.NDArray[np.float64]

    @classmethod
    def from_scores(cls, scores: Floats, positive: Flags, weights: DrawWeights) -> Self:
        """Compute the curves of `scores` [n] for `positive` [n], one for each row of `weights` [draws, n]."""
        thresholds, ranks = np.unique(-scores, return_inverse=True)
        order = np.argsort(ranks, kind="stable")
        starts = np.searchsorted(ranks[order], np.arange(len(thresholds)))

        def accumulate(selected: Flags) -> npt.NDArray[np.float64]:
            sums = np.add.reduceat((weights * selected)[:, order], starts, axis=1)
            return np.pad(np.cumsum(sums, axis=1), ((0, 0), (1, 0)))

        return cls(thresholds=-thresholds, true_positives=accumulate(positive), false_positives=accumulate(~positive))

    @property
    def sensitivity(self) -> Floats:
        """True positive rate, [draws, thresholds + 1]; nan for draws without a positive image."""
        return _divide(self.true_positives, self.true_positives[:, -1:])

    @property
    def false_positive_rate(self) -> Floats:
        """1 - specificity, [draws, thresholds + 1]; nan for draws without a negative image."""
        return _divide(self.false_positives, self.false_positives[:, -1:])

    @property
    def precision(self) -> Floats:
        """Positive predictive value, [draws, thresholds + 1]; 1 where nothing is predicted positive."""
        predicted = self.true_positives + self.false_positives
        return np.where(predicted > 0, self.true_positives / np.maximum(predicted, _TOLERANCE), 1.0)


def area_under_curve(curve: RocCurve) -> Floats:
    """Compute the area under the ROC curve, [draws]; ties count half."""
    return np.asarray(np.trapezoid(curve.sensitivity, curve.false_positive_rate, axis=1))


def average_precision(curve: RocCurve) -> Floats:
    """Compute the average precision, [draws], as `sklearn.metrics.average_precision_score` does."""
    return np.asarray((np.diff(curve.sensitivity, axis=1) * curve.precision[:, 1:]).sum(axis=1))


def area_above_sensitivity(curve: RocCurve, sensitivity: float) -> Floats:
    """Compute the area under the part of the ROC curve with at least this `sensitivity`, [draws]; 1 is perfect.

    This is isic-challenge-scoring's `auc_above_sensitivity`: the area down to the axis, not scaled.
    """
    start, stop = curve.sensitivity[:, :-1], curve.sensitivity[:, 1:]
    # The part of each step below the limit is cut off.
    before = np.clip((sensitivity - start) / np.maximum(stop - start, _TOLERANCE), 0, 1)
    width = np.diff(curve.false_positive_rate, axis=1) * np.where(stop >= sensitivity - _TOLERANCE, 1 - before, 0)
    return np.asarray((width * (np.maximum(start, sensitivity) + stop) / 2).sum(axis=1))


def specificity_at_sensitivity(curve: RocCurve, sensitivity: float) -> Floats:
    """Compute the specificity of the highest threshold that reaches this `sensitivity`, [draws]."""
    reached = (curve.sensitivity >= sensitivity - _TOLERANCE).argmax(axis=1)
    specificity = 1 - np.take_along_axis(curve.false_positive_rate, reached[:, None], axis=1)[:, 0]
    return np.where(np.isnan(curve.sensitivity[:, -1]), np.nan, specificity)


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.asarray(part / np.where(whole > 0, whole, np.nan))
