"""Figures of one threshold: what calling the pictures above it finds, misses and alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from training.metrics.bootstrap import Figure, Flags, Floats, Weights


@dataclass(frozen=True)
class Calls:
    """Some pictures are `called`, some are `positive`: both bool [n]. Each method measures draws, [draws]."""

    called: Flags
    positive: Flags

    def figures(self, prevalences: Sequence[float] = ()) -> dict[str, Figure]:
        """All figures, by their names in the field; `ppv_at_P` where a share P of the lesions is positive."""
        return {
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
            "balanced_accuracy": lambda weights: (self.sensitivity(weights) + self.specificity(weights)) / 2,
            "accuracy": lambda weights: _ratio(weights @ (self.called == self.positive), weights.sum(axis=1)),
            "f1": self.f1,
            "ppv": lambda weights: _ratio(self._hits(weights), weights @ self.called),
            "npv": lambda weights: _ratio(self._rest(weights), weights @ ~self.called),
            **{f"ppv_at_{prevalence:g}": partial(self._ppv_at, prevalence) for prevalence in prevalences},
            **{f"npv_at_{prevalence:g}": partial(self._npv_at, prevalence) for prevalence in prevalences},
        }

    def sensitivity(self, weights: Weights) -> Floats:
        """Share of the positive that is called."""
        return _ratio(self._hits(weights), weights @ self.positive)

    def specificity(self, weights: Weights) -> Floats:
        """Share of the others that is not called."""
        return _ratio(self._rest(weights), weights @ ~self.positive)

    def f1(self, weights: Weights) -> Floats:
        """Harmonic mean of sensitivity and ppv; the Dice coefficient of the called and the positive."""
        return _ratio(2 * self._hits(weights), weights @ self.called + weights @ self.positive)

    # Predictive values elsewhere than among these pictures: Bayes' theorem.

    def _ppv_at(self, prevalence: float, weights: Weights) -> Floats:
        hits = self.sensitivity(weights) * prevalence
        return _ratio(hits, hits + (1 - self.specificity(weights)) * (1 - prevalence))

    def _npv_at(self, prevalence: float, weights: Weights) -> Floats:
        rest = self.specificity(weights) * (1 - prevalence)
        return _ratio(rest, rest + (1 - self.sensitivity(weights)) * prevalence)

    def _hits(self, weights: Weights) -> Floats:
        return np.asarray(weights @ (self.called & self.positive))

    def _rest(self, weights: Weights) -> Floats:
        return np.asarray(weights @ ~(self.called | self.positive))


def balanced_multiclass_accuracy(probabilities: Floats, labels: np.ndarray, weights: Weights) -> Floats:
    """Mean over the labels of the share of their pictures that the likeliest label names right, [draws].

    `probabilities` [n, labels], `labels` int [n]. As isic-challenge-scoring has it: where two labels are equally
    likely, neither is named. Labels without a picture do not count.
    """
    best = probabilities.max(axis=1, keepdims=True)
    right = (probabilities.argmax(axis=1) == labels) & ((probabilities == best).sum(axis=1) == 1)
    shares = [_ratio(weights @ (right & (labels == label)), weights @ (labels == label)) for label in np.unique(labels)]
    return np.asarray(np.mean(shares, axis=0))


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.asarray(part / np.where(whole > 0, whole, np.nan))
