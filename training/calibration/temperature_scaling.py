"""Calibrates logits: probabilities that agree with the observed frequencies."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize  # type: ignore[import-untyped]

from training.metrics.bootstrap import Floats

#: L2 penalty. It keeps the offsets near 0 where a label has few lesions.
_PENALTY: Final = 0.1


@dataclass(frozen=True)
class TemperatureScaling:
    """Probabilities are softmax((logits + offsets) / temperature).

    Attributes:
        temperature: Positive.
        offsets: float64 [labels], mean 0.
    """

    temperature: float
    offsets: npt.NDArray[np.float64]

    def probabilities(self, logits: Floats) -> npt.NDArray[np.float64]:
        """Calibrated probabilities float64 [n, labels] of logits [n, labels]."""
        return np.exp(_log_softmax((logits + self.offsets) / self.temperature))


def fit_temperature_scaling(logits: Floats, labels: npt.NDArray[np.integer]) -> TemperatureScaling:
    """Fit temperature and offsets to held-out lesions by minimising the mean negative log-likelihood.

    Temperature scaling (Guo et al., ICML 2017) corrects over- or underconfidence. Training shows rare labels more often
    than they occur; one offset per label corrects that (bias-corrected temperature scaling, Alexandari et al., ICML
    2020).

    Args:
        logits: Float [n, labels], by a model that was not trained on these lesions.
        labels: Index of each lesion's label, [n].
    """
    rows = np.arange(len(labels))

    def loss(parameters: npt.NDArray[np.float64]) -> float:
        scaled = (logits + parameters[1:]) / np.exp(parameters[0])
        log_likelihood = _log_softmax(scaled)[rows, labels].sum()
        return float((_PENALTY * (parameters**2).sum() - log_likelihood) / len(labels))

    optimum = minimize(loss, np.zeros(1 + logits.shape[1]), method="L-BFGS-B").x
    return TemperatureScaling(temperature=float(np.exp(optimum[0])), offsets=optimum[1:] - optimum[1:].mean())


def _log_softmax(logits: Floats) -> npt.NDArray[np.float64]:
    shifted = np.asarray(logits, np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
