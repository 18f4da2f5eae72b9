"""Metrics of binary predictions, such as those of one threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from training.metrics.bootstrap import DrawWeights, Flags, Floats, MetricFunction


@dataclass(frozen=True)
class BinaryPredictions:
    """Predictions and outcomes of n images, bool [n]. Each method computes its metric of each draw, [draws]."""

    predicted: Flags
    positive: Flags

    def metric_functions(self, prevalences: Sequence[float] = ()) -> dict[str, MetricFunction]:
        """Return the functions of all metrics by name; `ppv_at_P` and `npv_at_P` are those at the prevalence P."""
        return {
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
            "balanced_accuracy": lambda weights: (self.sensitivity(weights) + self.specificity(weights)) / 2,
            "accuracy": lambda weights: _divide(weights @ (self.predicted == self.positive), weights.sum(axis=1)),
            "f1": self.f1,
            "ppv": lambda weights: _divide(self._true_positives(weights), weights @ self.predicted),
            "npv": lambda weights: _divide(self._true_negatives(weights), weights @ ~self.predicted),
            **{f"ppv_at_{prevalence:g}": partial(self._ppv_at, prevalence) for prevalence in prevalences},
            **{f"npv_at_{prevalence:g}": partial(self._npv_at, prevalence) for prevalence in prevalences},
        }

    def sensitivity(self, weights: DrawWeights) -> Floats:
        """Compute the true positive rate."""
        return _divide(self._true_positives(weights), weights @ self.positive)

    def specificity(self, weights: DrawWeights) -> Floats:
        """Compute the true negative rate."""
        return _divide(self._true_negatives(weights), weights @ ~self.positive)

    def f1(self, weights: DrawWeights) -> Floats:
        """Compute the harmonic mean of sensitivity and ppv: the Dice coefficient of predictions and outcomes."""
        return _divide(2 * self._true_positives(weights), weights @ self.predicted + weights @ self.positive)

    # Predictive values at a prevalence other than that of these images: Bayes' theorem.

    def _ppv_at(self, prevalence: float, weights: DrawWeights) -> Floats:
        true_positives = self.sensitivity(weights) * prevalence
        return _divide(true_positives, true_positives + (1 - self.specificity(weights)) * (1 - prevalence))

    def _npv_at(self, prevalence: float, weights: DrawWeights) -> Floats:
        true_negatives = self.specificity(weights) * (1 - prevalence)
        return _divide(true_negatives, true_negatives + (1 - self.sensitivity(weights)) * prevalence)

    def _true_positives(self, weights: DrawWeights) -> Floats:
        return np.asarray(weights @ (self.predicted & self.positive))

    def _true_negatives(self, weights: DrawWeights) -> Floats:
        return np.asarray(weights @ ~(self.predicted | self.positive))


def balanced_multiclass_accuracy(probabilities: Floats, labels: np.ndarray, weights: DrawWeights) -> Floats:
    """Compute the mean recall over the labels, [draws], as isic-challenge-scoring does.

    If two labels are equally likely, neither is predicted. Labels without an image do not count.

    `probabilities` are [n, labels], the true `labels` int [n].
    """
    best = probabilities.max(axis=1, keepdims=True)
    is_correct = (probabilities.argmax(axis=1) == labels) & ((probabilities == best).sum(axis=1) == 1)
    recalls = [
        _divide(weights @ (is_correct & (labels == label)), weights @ (labels == label)) for label in np.unique(labels)
    ]
    return np.asarray(np.mean(recalls, axis=0))


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.asarray(part / np.where(whole > 0, whole, np.nan))
