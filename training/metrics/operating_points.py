"""Figures of one threshold: what calling the pictures above it finds, misses and alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from training.metrics.bootstrap import DrawWeights, Flags, Floats, MetricFunction


@dataclass(frozen=True)
class BinaryPredictions:
    """Some pictures are `called`, some are `positive`: both bool [n]. Each method measures draws, [draws]."""

    predicted: Flags
    positive: Flags

    def metric_functions(self, prevalences: Sequence[float] = ()) -> dict[str, MetricFunction]:
        """All figures, by their names in the field; `ppv_at_P` where a share P of the lesions is positive."""
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
        """Share of the positive that is called."""
        return _divide(self._true_positives(weights), weights @ self.positive)

    def specificity(self, weights: DrawWeights) -> Floats:
        """Share of the others that is not called."""
        return _divide(self._true_negatives(weights), weights @ ~self.positive)

    def f1(self, weights: DrawWeights) -> Floats:
        """Harmonic mean of sensitivity and ppv; the Dice coefficient of the called and the positive."""
        return _divide(2 * self._true_positives(weights), weights @ self.predicted + weights @ self.positive)

    # Predictive values elsewhere than among these pictures: Bayes' theorem.

    def _ppv_at(self, prevalence: float, weights: DrawWeights) -> Floats:
        hits = self.sensitivity(weights) * prevalence
        return _divide(hits, hits + (1 - self.specificity(weights)) * (1 - prevalence))

    def _npv_at(self, prevalence: float, weights: DrawWeights) -> Floats:
        rest = self.specificity(weights) * (1 - prevalence)
        return _divide(rest, rest + (1 - self.sensitivity(weights)) * prevalence)

    def _true_positives(self, weights: DrawWeights) -> Floats:
        return np.asarray(weights @ (self.predicted & self.positive))

    def _true_negatives(self, weights: DrawWeights) -> Floats:
        return np.asarray(weights @ ~(self.predicted | self.positive))


def balanced_multiclass_accuracy(probabilities: Floats, labels: np.ndarray, weights: DrawWeights) -> Floats:
    """Mean over the labels of the share of their pictures that the likeliest label names right, [draws].

    `probabilities` [n, labels], `labels` int [n]. As isic-challenge-scoring has it: where two labels are equally
    likely, neither is named. Labels without a picture do not count.
    """
    best = probabilities.max(axis=1, keepdims=True)
    right = (probabilities.argmax(axis=1) == labels) & ((probabilities == best).sum(axis=1) == 1)
    shares = [
        _divide(weights @ (right & (labels == label)), weights @ (labels == label)) for label in np.unique(labels)
    ]
    return np.asarray(np.mean(shares, axis=0))


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.asarray(part / np.where(whole > 0, whole, np.nan))
