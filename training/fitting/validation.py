"""What the model in training says of the pictures that are held out."""

from collections.abc import Callable, Sequence
from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import COUNTED, MELANOMA
from training.fitting.task import Task
from training.metrics.auc import auc
from training.model.classifier import POPULATIONS

BATCH_SIZE: Final = 32

Floats = npt.NDArray[np.float32]


def predict_logits_and_means(model: keras.Model, pixels: Pixels) -> tuple[Floats, Floats, Floats]:
    """Logits [n, populations, labels] of pictures uint8 [n, size, size, 3], and means [n, channels] of two maps.

    The maps are the middle block's and the last one.
    """
    parts = []
    for start in range(0, len(pixels), BATCH_SIZE):
        shown = np.asarray(pixels[start : start + BATCH_SIZE], np.float32)
        logits, features, middle = model.predict_on_batch(shown)
        parts.append((logits, middle, features.mean(axis=(1, 2))))
    logits, middle, last = (np.concatenate([part[side] for part in parts]) for side in range(3))
    return logits, middle, last


def softmax(logits: Floats) -> Floats:
    """Probabilities of logits, over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]


def make_validator(
    images: Sequence[LabelledImage], pixels: Pixels, task: Task
) -> Callable[[keras.Model], dict[str, float]]:
    """A function that measures a model on held-out pictures: loss and AUCs for the log, each by its head."""
    labels = np.array([image.label for image in images])
    heads = np.array([POPULATIONS.index(image.population) for image in images])
    sources = np.array([image.source for image in images])

    def measure(model: keras.Model) -> dict[str, float]:
        probabilities = softmax(predict_logits_and_means(model, pixels)[0])[np.arange(len(heads)), heads]
        outputs = np.array([task.output_index(label) for label in labels])
        right = np.take_along_axis(probabilities, outputs[:, None], axis=1)
        found = {"valid_loss": float(-np.log(np.maximum(right, 1e-9)).mean())}
        for source in dict.fromkeys(sources.tolist()):
            rows = sources == source
            melanoma = auc(task.melanoma_probability(probabilities[rows]), labels[rows] == MELANOMA)
            counted = auc(task.counted_probability(probabilities[rows]), np.isin(labels[rows], COUNTED))
            found |= {f"{source}_melanoma_auc": melanoma, f"{source}_counted_auc": counted}
        return found

    return measure
