"""The protocol that every model runtime implements."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

#: The first registered runtime that is installed, can run the artefact's format and can use the device; or the faster
#: precision.
AUTO: Final = "auto"
#: Precision of the reference.
FLOAT32: Final = "float32"
#: Reduced precision where it changes no answer, float32 elsewhere.
MIXED: Final = "mixed"


@dataclass(frozen=True, slots=True)
class PredictionBatch:
    """Predictions for a batch of n images, all float32.

    Attributes:
        probabilities: [n, labels], calibrated, each row summing to 1.
        evidence: [n, rows, columns], positive for malignant.
        distance: [n], distance from the training images in feature space, not negative.
        kinds: [n, kinds], the probability of each kind of image, each row summing to 1.
    """

    probabilities: NDArray[np.float32]
    evidence: NDArray[np.float32]
    distance: NDArray[np.float32]
    kinds: NDArray[np.float32]


class Predictor(Protocol):
    """A model that a runtime has loaded on one device.

    A predictor may have an attribute `max_useful_batch`: from so many images on, a larger batch makes none of them
    cheaper. Without it, batches may be as large as the setting allows.
    """

    @property
    def runtime(self) -> str:
        """Name under which the runtime is registered, such as `tensorflow`."""
        ...

    @property
    def device(self) -> str:
        """Name of the device for operators, such as `CPU:0` or `GPU:1`."""
        ...

    @property
    def precision(self) -> str:
        """Precision in which the model computes: `FLOAT32` or `MIXED`."""
        ...

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        """Run one forward pass. Called by one thread at a time.

        Args:
            images: uint8 [n, size, size, 3], RGB.
        """
        ...
