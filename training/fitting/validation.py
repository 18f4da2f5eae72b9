"""Validation: predictions and metrics of the model in training on held-out images."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.data.records.csv_table import write_rows
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import COUNTED, LABEL_NAMES, MELANOMA
from training.fitting.task import Task
from training.metrics.auc import auc
from training.model.classifier import POPULATIONS
from training.model.views import ViewAverager

BATCH_SIZE: Final = 32

Floats = npt.NDArray[np.float32]


def predict_logits_and_means(model: keras.Model | ViewAverager, pixels: Pixels) -> tuple[Floats, Floats, Floats]:
    """Predict images uint8 [n, size, size, 3] in batches.

    Returns:
        Logits [n, populations, labels], the mean [n, channels] of the middle feature map, and that of the last one.
    """
    parts = []
    for start in range(0, len(pixels), BATCH_SIZE):
        batch = np.asarray(pixels[start : start + BATCH_SIZE], np.float32)
        if start and len(batch) < BATCH_SIZE:
            # A smaller batch would be compiled anew.
            batch = np.concatenate([batch, np.zeros((BATCH_SIZE - len(batch), *batch.shape[1:]), np.float32)])
        logits, features, middle = model.predict_on_batch(batch)
        parts.append((logits, middle, features.mean(axis=(1, 2))))
    logits, middle, last = (np.concatenate(arrays)[: len(pixels)] for arrays in zip(*parts, strict=True))
    return logits, middle, last


def softmax(logits: Floats) -> Floats:
    """Compute probabilities from logits over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]


def predict_own_logits(model: keras.Model, images: Sequence[LabelledImage], pixels: Pixels) -> Floats:
    """Predict images with the head of their population: logits [n, outputs]."""
    heads = [POPULATIONS.index(image.population) for image in images]
    own: Floats = predict_logits_and_means(model, pixels)[0][np.arange(len(heads)), heads]
    return own


def write_predictions(path: Path, images: Sequence[LabelledImage], logits: Floats) -> None:
    """Write the logits [n, outputs] of images that a run has not trained on.

    An image is named by its source and the name of its file without the ending.
    """
    columns = [f"output_{number}" for number in range(logits.shape[1])]
    rows = (
        {
            "source": image.source,
            "image": image.path.stem,
            "share": image.split,
            "group": image.group,
            "label": LABEL_NAMES[image.label],
            **dict(zip(columns, map(float, values), strict=True)),
        }
        for image, values in zip(images, logits, strict=True)
    )
    write_rows(path, ("source", "image", "share", "group", "label", *columns), rows)


def make_validator(
    images: Sequence[LabelledImage], pixels: Pixels, task: Task
) -> Callable[[keras.Model], dict[str, float]]:
    """Make a function that computes the loss and the AUCs of a model on held-out images.

    Args:
        images: The held-out images.
        pixels: The same images, uint8 [n, size, size, 3].
        task: Task of the model.

    Returns:
        A function from a model to metrics by the name of their column in the log. Each image is predicted by the head
        of its population.
    """
    labels = np.array([image.label for image in images])
    sources = np.array([image.source for image in images])

    def validate(model: keras.Model) -> dict[str, float]:
        probabilities = softmax(predict_own_logits(model, images, pixels))
        outputs = np.array([task.output_index(label) for label in labels])
        true_probabilities = np.take_along_axis(probabilities, outputs[:, None], axis=1)
        metrics = {"valid_loss": float(-np.log(np.maximum(true_probabilities, 1e-9)).mean())}
        for source in dict.fromkeys(sources.tolist()):
            rows = sources == source
            melanoma = auc(task.melanoma_probability(probabilities[rows]), labels[rows] == MELANOMA)
            counted = auc(task.counted_probability(probabilities[rows]), np.isin(labels[rows], COUNTED))
            metrics |= {f"{source}_melanoma_auc": melanoma, f"{source}_counted_auc": counted}
        return metrics

    return validate
