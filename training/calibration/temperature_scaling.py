"""From logits to probabilities that mean what they say, and from those to bands and receipts."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize  # type: ignore[import-untyped]

from shared.model.artefact import Bands, ReliabilityBin

Floats = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]

#: The low band keeps this share of the malignant lesions out, where it is chosen.
LOW_SENSITIVITY: Final = 0.95
#: And no lesion with a higher probability is called low, however many malignant ones score higher still: where most
#: lesions are malignant, as in a clinic's phone pictures, 95 % of them score above one half.
MAX_LOW_THRESHOLD: Final = 0.1
#: The high band keeps this share of the other lesions out, where it is chosen.
HIGH_SPECIFICITY: Final = 0.90
#: Fewest lesions a reliability bin rests on: at 40, a 95 % interval is at most 0.31 wide.
MIN_BIN_LESIONS: Final = 40
MAX_BINS: Final = 12
#: Holds the offsets near 0 where a label has few lesions: each lesion's worth of evidence counts a tenth.
_PULL: Final = 0.1


@dataclass(frozen=True)
class TemperatureScaling:
    """Probabilities are softmax((logits + offsets) / temperature); `offsets` is float64 [labels]."""

    temperature: float
    offsets: npt.NDArray[np.float64]

    def probabilities(self, logits: Floats) -> npt.NDArray[np.float64]:
        """Calibrated probabilities float64 [n, labels] of logits [n, labels]."""
        return np.exp(_log_softmax((logits + self.offsets) / self.temperature))


def fit_temperature_scaling(logits: Floats, labels: npt.NDArray[np.integer]) -> TemperatureScaling:
    """Fit temperature and offsets to held-out lesions: logits [n, labels], their labels [n].

    Temperature scaling (Guo et al., ICML 2017) corrects how sure the model is; an offset a label corrects that
    training shows rare labels more often than they come (bias-corrected temperature scaling, Alexandari et
    al., ICML 2020). Both minimise the mean negative log-likelihood.
    """
    rows = np.arange(len(labels))

    def cost(values: npt.NDArray[np.float64]) -> float:
        scaled = (logits + values[1:]) / np.exp(values[0])
        loss = -_log_softmax(scaled)[rows, labels].sum()
        return float((loss + _PULL * (values**2).sum()) / len(labels))

    found = minimize(cost, np.zeros(1 + logits.shape[1]), method="L-BFGS-B").x
    return TemperatureScaling(temperature=float(np.exp(found[0])), offsets=found[1:] - found[1:].mean())


def choose_bands(probabilities: Floats, malignant: Flags) -> Bands:
    """Thresholds for held-out lesions with `probabilities` [n], of which `malignant` [n] are malignant.

    Sensitivities and specificities are those of the same lesions, of calling all from the threshold on.
    Raises `ValueError` where all are malignant or none is.
    """
    if malignant.all() or not malignant.any():
        raise ValueError("bands need malignant lesions and others")
    malignant_scores, benign_scores = np.sort(probabilities[malignant]), np.sort(probabilities[~malignant])
    # At most this many may fall short of the threshold; the next lowest is the threshold itself.
    low = min(malignant_scores[int(len(malignant_scores) * (1 - LOW_SENSITIVITY) + 1e-9)], MAX_LOW_THRESHOLD)
    # As a step above the last probability to be kept out, so that this one is below the threshold.
    high = max(low, np.nextafter(benign_scores[math.ceil(len(benign_scores) * HIGH_SPECIFICITY) - 1], 1))
    return Bands(
        low_below=float(low),
        low_sensitivity=float((malignant_scores >= low).mean()),
        low_specificity=float((benign_scores < low).mean()),
        high_from=float(high),
        high_sensitivity=float((malignant_scores >= high).mean()),
        high_specificity=float((benign_scores < high).mean()),
    )


def compute_reliability_bins(probabilities: Floats, malignant: Flags) -> tuple[ReliabilityBin, ...]:
    """Bins over [0, 1] without gaps, each of about equal numbers of held-out lesions.

    Lesions of equal probability share a bin, so bins may be fewer and their numbers differ.
    """
    count = int(np.clip(len(probabilities) // MIN_BIN_LESIONS, 1, MAX_BINS))
    inner = np.quantile(probabilities, np.arange(1, count) / count)
    edges = np.unique(np.concatenate([[0.0], inner, [1.0]]))
    places = np.clip(np.searchsorted(edges, probabilities, side="right") - 1, 0, len(edges) - 2)
    return tuple(
        ReliabilityBin(
            start=float(edges[index]),
            stop=float(edges[index + 1]),
            lesions=int((places == index).sum()),
            malignant=int(malignant[places == index].sum()),
        )
        for index in range(len(edges) - 1)
    )


def _log_softmax(logits: Floats) -> npt.NDArray[np.float64]:
    shifted = np.asarray(logits, np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
