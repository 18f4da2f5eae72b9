"""A predictor whose answers follow from the pixels. Every output has the artefact's shape and differs between images.

A test that confuses rows, images or outputs therefore fails. A real predictor neither fails nor waits on demand.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.base import FLOAT32, PredictionBatch
from shared.images.decode import decode
from shared.model.artefact import Manifest
from worker.batching.work_item import Prediction

#: Rows and columns of the shipped graph's evidence.
EVIDENCE_CELLS = 7


class ScriptedPredictor:
    """Answers by the mean colour of each image.

    Blue images show no lesion. Of the others, red ones were taken under a dermatoscope and green ones by a phone. The
    redder an image, the larger the probability of the labels that count as malignant. The distance is less than 1,
    which is within the shipped populations.

    Args:
        manifest: Gives the numbers of labels and kinds.

    Attributes:
        batches: The batches so far, each uint8 [n, size, size, 3].
        on_batch: Called with each batch before it is answered. It may wait or raise.
        change_answer: Called with each batch and its answer. It may return another answer, even a broken one.
    """

    runtime = "scripted"
    device = "CPU:0"
    precision = FLOAT32

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._is_counted = np.array([label.counts for label in manifest.labels])
        self.batches: list[NDArray[np.uint8]] = []
        self.on_batch: Callable[[NDArray[np.uint8]], None] = lambda _: None
        self.change_answer: Callable[[NDArray[np.uint8], PredictionBatch], PredictionBatch] = lambda _, answer: answer

    @property
    def batch_sizes(self) -> list[int]:
        """Number of images in each batch so far."""
        return [len(images) for images in self.batches]

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        """Record the batch, run the test's hooks and answer."""
        self.batches.append(images)
        self.on_batch(images)
        return self.change_answer(images, self.answer(images))

    def answer(self, images: NDArray[np.uint8]) -> PredictionBatch:
        """Return the answer to `images`. An image's row is the same in every batch, to the last bit."""
        shares = images.sum(axis=(1, 2), dtype=np.int64) / (255 * images.shape[1] * images.shape[2])
        red, green, blue = shares[:, :1], shares[:, 1:2], shares[:, 2:]
        labels = np.arange(1, len(self._is_counted) + 1)
        weights = labels * (1 + green + 2 * blue / labels) * np.where(self._is_counted, 0.1 + 3 * red, 1)
        cells = np.arange(EVIDENCE_CELLS**2).reshape(1, EVIDENCE_CELLS, EVIDENCE_CELLS)
        lesion = np.array([0.05 + red, 0.01 + green])[:, :, 0].T
        kinds = (1 - blue) * lesion / lesion.sum(axis=1, keepdims=True)
        return PredictionBatch(
            probabilities=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
            evidence=((cells + 1) * (red - green / 6 - blue / 36)[:, :, None] + cells % 5).astype(np.float32),
            distance=(0.1 + 0.54 * red + 0.09 * green + 0.015 * blue)[:, 0].astype(np.float32),
            kinds=np.concatenate([kinds, blue], axis=1).astype(np.float32),
        )

    def answers_of(self, data: bytes) -> dict[str, Any]:
        """Return what the prediction for the image in `data` must contain, for `contents_of`."""
        answer = self.answer(decode(data, self._manifest.picture).pixels[None])
        return {
            "probabilities": answer.probabilities[0].tolist(),
            "evidence": answer.evidence[0].tolist(),
            "distance": float(answer.distance[0]),
            "kinds": answer.kinds[0].tolist(),
        }

    @contextmanager
    def blocked(self) -> Iterator[threading.Event]:
        """Block each batch until the context ends. Yields an event that is set once a batch has begun."""
        entered, resume = threading.Event(), threading.Event()

        def block(_: NDArray[np.uint8]) -> None:
            entered.set()
            assert resume.wait(30), "the test did not leave the context"

        previous, self.on_batch = self.on_batch, block
        try:
            yield entered
        finally:
            self.on_batch = previous
            resume.set()


def contents_of(outcome: object) -> dict[str, Any]:
    """Return what an item's prediction contains of the answer, to compare with `answers_of`."""
    assert isinstance(outcome, Prediction), outcome
    return {
        "probabilities": outcome.probabilities.tolist(),
        "evidence": outcome.evidence.tolist(),
        "distance": outcome.distance,
        "kinds": outcome.kinds.tolist(),
    }
