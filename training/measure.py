"""What the model in training says of the validation pictures."""

from collections.abc import Callable, Sequence
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.cache import Pixels
from training.labels import COUNTED, MELANOMA
from training.metrics import auc
from training.sources import HAM10000, ISIC2017, Picture

BATCH: Final = 32

Floats = npt.NDArray[np.float32]


def logits_and_middle(model: keras.Model, pixels: Pixels) -> tuple[Floats, Floats]:
    """Logits [n, labels] and the middle block's mean [n, channels] of pictures uint8 [n, size, size, 3]."""

    def predict(pictures: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits, _, middle = model(tf.cast(pictures, tf.float32), training=False)
        return logits, middle

    quick = tf.function(predict, reduce_retracing=True)
    parts = [quick(tf.constant(pixels[start : start + BATCH])) for start in range(0, len(pixels), BATCH)]
    logits, middle = (np.concatenate([part[side].numpy() for part in parts]) for side in (0, 1))
    return logits, middle


def softmax(logits: Floats) -> Floats:
    """Probabilities [n, labels] of logits [n, labels]."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def validation(pictures: Sequence[Picture], pixels: Pixels) -> Callable[[keras.Model], dict[str, float]]:
    """A function that measures a model on validation pictures: loss and AUCs for the log."""
    labels = np.array([picture.label for picture in pictures])
    sources = np.array([picture.source for picture in pictures])

    def measure(model: keras.Model) -> dict[str, float]:
        probabilities = softmax(logits_and_middle(model, pixels)[0])
        right = np.take_along_axis(probabilities, labels[:, None], axis=1)
        found = {"valid_loss": float(-np.log(np.maximum(right, 1e-9)).mean())}
        for source in (ISIC2017, HAM10000):
            rows = sources == source
            melanoma = auc(probabilities[rows, MELANOMA], labels[rows] == MELANOMA)
            counted = auc(probabilities[rows][:, COUNTED].sum(axis=1), np.isin(labels[rows], COUNTED))
            found |= {f"{source}_melanoma_auc": melanoma, f"{source}_counted_auc": counted}
        return found

    return measure
