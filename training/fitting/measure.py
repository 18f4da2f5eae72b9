"""What the model in training says of the validation pictures."""

from collections.abc import Callable, Sequence
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.data.cache import Pixels
from training.data.labels import COUNTED, MELANOMA
from training.data.picture import Picture
from training.data.sources import HAM10000, ISIC2017
from training.metrics.auc import auc

BATCH: Final = 32

Floats = npt.NDArray[np.float32]


def logits_and_means(model: keras.Model, pixels: Pixels) -> tuple[Floats, Floats, Floats]:
    """Logits [n, labels] of pictures uint8 [n, size, size, 3], and means [n, channels] of two of their maps.

    The maps are the middle block's and the last one.
    """

    def predict(pictures: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        logits, features, middle = model(tf.cast(pictures, tf.float32), training=False)
        return logits, middle, tf.reduce_mean(features, (1, 2))

    quick = tf.function(predict, reduce_retracing=True)
    parts = [quick(tf.constant(pixels[start : start + BATCH])) for start in range(0, len(pixels), BATCH)]
    logits, middle, last = (np.concatenate([part[side].numpy() for part in parts]) for side in range(3))
    return logits, middle, last


def softmax(logits: Floats) -> Floats:
    """Probabilities [n, labels] of logits [n, labels]."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def validation(pictures: Sequence[Picture], pixels: Pixels) -> Callable[[keras.Model], dict[str, float]]:
    """A function that measures a model on validation pictures: loss and AUCs for the log."""
    labels = np.array([picture.label for picture in pictures])
    sources = np.array([picture.source for picture in pictures])

    def measure(model: keras.Model) -> dict[str, float]:
        probabilities = softmax(logits_and_means(model, pixels)[0])
        right = np.take_along_axis(probabilities, labels[:, None], axis=1)
        found = {"valid_loss": float(-np.log(np.maximum(right, 1e-9)).mean())}
        for source in (ISIC2017, HAM10000):
            rows = sources == source
            melanoma = auc(probabilities[rows, MELANOMA], labels[rows] == MELANOMA)
            counted = auc(probabilities[rows][:, COUNTED].sum(axis=1), np.isin(labels[rows], COUNTED))
            found |= {f"{source}_melanoma_auc": melanoma, f"{source}_counted_auc": counted}
        return found

    return measure
