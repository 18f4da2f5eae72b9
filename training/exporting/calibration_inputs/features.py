"""What the fitted model makes of pictures: all that calibration, kinds and distance are fitted to."""

from dataclasses import dataclass
from typing import Self

import keras
import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.fitting.validation import predict_logits_and_means

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Features:
    """Logits [n, populations, labels], and means of the middle block's map and the last one, each [n, channels]."""

    logits: Floats
    middle: Floats
    last: Floats

    @classmethod
    def extract(cls, model: keras.Model, pixels: Pixels) -> Self:
        """Of pictures uint8 [n, size, size, 3]."""
        return cls(*predict_logits_and_means(model, pixels))

    @property
    def all_means(self) -> Floats:
        """Both means [n, channels], the middle block's first: what kinds of pictures are told by."""
        return np.concatenate((self.middle, self.last), axis=1)
