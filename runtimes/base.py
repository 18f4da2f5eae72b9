"""What a runtime has to offer to stand behind the worker."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PredictionBatch:
    """Of a batch of n pictures, all float32.

    `probabilities` [n, labels], calibrated, each row summing to 1; `evidence` [n, rows, columns], positive for
    malignant; `distance` [n], from the training pictures in feature space, not negative; `kinds` [n, kinds], how
    likely each kind of picture is, each row summing to 1.
    """

    probabilities: NDArray[np.float32]
    evidence: NDArray[np.float32]
    distance: NDArray[np.float32]
    kinds: NDArray[np.float32]


class Predictor(Protocol):
    """A loaded model on one device."""

    @property
    def device(self) -> str:
        """Name of the device for operators, such as `CPU:0` or `GPU:1`."""
        ...

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        """One forward pass over uint8 [n, size, size, 3] RGB. Called by one thread at a time."""
        ...
