"""Outputs of a trained model that calibration, kind classifier and feature distance are fitted to."""

from dataclasses import dataclass
from typing import Self

import keras
import numpy as np

from training.data.image_cache import Pixels
from training.fitting.validation import predict_logits_and_means
from training.metrics.bootstrap import Floats
from training.model.views import ViewAverager


@dataclass(frozen=True)
class Features:
    """Outputs for n images.

    Attributes:
        logits: [n, populations, labels].
        middle: Channel means of the middle block's map, [n, channels].
        last: Channel means of the last map, [n, channels].
    """

    logits: Floats
    middle: Floats
    last: Floats

    @classmethod
    def extract(cls, model: keras.Model | ViewAverager, pixels: Pixels) -> Self:
        """Run the model on images uint8 [n, size, size, 3]."""
        return cls(*predict_logits_and_means(model, pixels))

    @property
    def all_means(self) -> Floats:
        """Means of both maps [n, channels], the middle block's first. The kind classifier takes these."""
        return np.concatenate((self.middle, self.last), axis=1)
