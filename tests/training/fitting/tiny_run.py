"""A training run that is small enough for a test: 32 images, the small backbone, any backend of Keras."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.training.model.small_model import SMALL
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import LABEL_NAMES
from training.fitting.loop.distillation import Teacher
from training.fitting.loop.fit import fit
from training.fitting.recipe import Recipe
from training.model.classifier import POPULATIONS, build_classifier
from training.model.weights import Weights, get_weights

SIDE = 32
RECIPE = Recipe(
    epochs=4,
    pictures=64,
    batch=16,
    sizes=(SIDE,),
    rate=3e-3,
    average=0.8,
    smoothing=0.0,
    dropout=0.1,
    changes=frozenset(),
)


def make_tiny_images() -> tuple[list[LabelledImage], np.ndarray]:
    """Make 32 images, half of each population. Each has its own colour and position, which do not tell the label."""
    rng = np.random.default_rng(5)
    pixels = np.full((32, SIDE + 8, SIDE + 8, 3), 128, np.uint8)
    for image in pixels:
        y, x = rng.integers(8, 24, 2)
        image[y - 6 : y + 6, x - 6 : x + 6] = rng.integers(0, 256, 3)
    images = [
        LabelledImage(
            Path(str(index)), index % len(LABEL_NAMES), "synthetic", POPULATIONS[index // 16], str(index), Split.TRAIN
        )
        for index in range(32)
    ]
    return images, pixels


class RecordingCallback:
    """A callback that records messages and losses."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.losses: list[float] = []

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_batch_end(self, epoch: int, done: int, loss: float) -> None:  # noqa: ARG002
        self.losses.append(loss)


class TrainingStopped(Exception):
    """Raised by a callback to stop a run within an epoch."""


class StoppingCallback(RecordingCallback):
    """A callback that stops the run within epoch `epoch`."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self._epoch = epoch

    def on_batch_end(self, epoch: int, done: int, loss: float) -> None:  # noqa: ARG002
        if epoch == self._epoch and done == 2:
            raise TrainingStopped


def train_tiny(
    directory: Path, callback: RecordingCallback | None = None, **changes: Any
) -> tuple[Weights, RecordingCallback]:
    """Train or resume in `directory`. Returns the averaged weights and the callback."""
    import keras

    callback = callback or RecordingCallback()
    recipe = Recipe.model_validate({**RECIPE.model_dump(), "sources": ("synthetic",), **changes})
    keras.utils.set_random_seed(recipe.seed)
    model = build_classifier(
        SMALL,
        recipe.task.output_count,
        dropout=recipe.dropout,
        precision=recipe.precision,
    )
    images, pixels = make_tiny_images()
    teacher = None
    if recipe.distil:
        teacher = Teacher([build_classifier(SMALL, recipe.task.output_count)], recipe.distil, [Population.DERMATOSCOPE])
    directory.mkdir(exist_ok=True)
    fit(model, images, pixels, recipe, directory, _validate_nothing, callback, teacher)
    return get_weights(model), callback


def _validate_nothing(model: object) -> dict[str, float]:
    return {}


if __name__ == "__main__":
    # A test runs this with another backend and compares the first loss with the last one.
    with tempfile.TemporaryDirectory() as folder:
        losses = train_tiny(Path(folder), epochs=3, pictures=512)[1].losses
    print(losses[0], losses[-1])
