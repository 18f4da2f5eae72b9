"""The curve of all thresholds, of many bootstrap draws at once, and the figures that are read from it.

scikit-learn measures one set at a time, which for two thousand draws of forty groups takes half an hour; the tests hold
these figures against it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from training.metrics.bootstrap import DrawWeights, Flags, Floats

#: Sensitivities are ratios of counts: this far below a limit is on it.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class RocCurve:
    """Weights of the called pictures as the threshold falls, from none called to all; float [draws, thresholds + 1].

    Pictures of equal score are called together.
    """

    thresholds: Floats
    true_positives: npt.NDArray[np.float64]
    false_positives: npt.NDArray[np.float64]

    @classmethod
    def from_scores(cls, scores: Floats, positive: Flags, weights: DrawWeights) -> Self:
        """Curves of `scores` [n] for `positive` [n], one for each row of `weights` [draws, n]."""
        thresholds, places = np.unique(-scores, return_inverse=True)
        order = np.argsort(places, kind="stable")
        starts = np.searchsorted(places[order], np.arange(len(thresholds)))

        def called(chosen: Flags) -> npt.NDArray[np.float64]:
            sums = np.add.reduceat((weights * chosen)[:, order], starts, axis=1)
            return np.pad(np.cumsum(sums, axis=1), ((0, 0), (1, 0)))

        return cls(thresholds=-thresholds, true_positives=called(positive), false_positives=called(~positive))

    @property
    def sensitivity(self) -> Floats:
        """Share of the positive that is called, [draws, thresholds + 1]; nan where there is none."""
        return _divide(self.true_positives, self.true_positives[:, -1:])

    @property
    def false_positive_rate(self) -> Floats:
        """Share of the others that is called, 1 - specificity, [draws, thresholds + 1]; nan where there is none."""
        return _divide(self.false_positives, self.false_positives[:, -1:])

    @property
    def precision(self) -> Floats:
        """Share of the called that is positive, [draws, thresholds + 1]; 1 where none is called."""
        called = self.true_positives + self.false_positives
        return np.where(called > 0, self.true_positives / np.maximum(called, _ROUNDING), 1.0)


def area_under_curve(curve: RocCurve) -> Floats:
    """Area under the ROC curve, [draws]: ties count half."""
    return np.asarray(np.trapezoid(curve.sensitivity, curve.false_positive_rate, axis=1))


def average_precision(curve: RocCurve) -> Floats:
    """Mean precision over the positive, [draws], as `sklearn.metrics.average_precision_score`."""
    return np.asarray((np.diff(curve.sensitivity, axis=1) * curve.precision[:, 1:]).sum(axis=1))


def area_above_sensitivity(curve: RocCurve, sensitivity: float) -> Floats:
    """Area under the part of the ROC curve with at least this `sensitivity`, [draws]; 1 is perfect.

    isic-challenge-scoring's `auc_above_sensitivity`: down to the axis and not scaled.
    """
    above, along = curve.sensitivity, curve.false_positive_rate
    start, stop = above[:, :-1], above[:, 1:]
    # The share of each step that is before the limit is cut off.
    before = np.clip((sensitivity - start) / np.maximum(stop - start, _ROUNDING), 0, 1)
    width = np.diff(along, axis=1) * np.where(stop >= sensitivity - _ROUNDING, 1 - before, 0)
    return np.asarray((width * (np.maximum(start, sensitivity) + stop) / 2).sum(axis=1))


def specificity_at_sensitivity(curve: RocCurve, sensitivity: float) -> Floats:
    """Specificity of the highest threshold that reaches this `sensitivity`, [draws]."""
    reached = (curve.sensitivity >= sensitivity - _ROUNDING).argmax(axis=1)
    specificity = 1 - np.take_along_axis(curve.false_positive_rate, reached[:, None], axis=1)[:, 0]
    return np.where(np.isnan(curve.sensitivity[:, -1]), np.nan, specificity)


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.asarray(part / np.where(whole > 0, whole, np.nan))
