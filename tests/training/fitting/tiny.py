"""A run small enough for a test: 32 pictures, the small backbone, any of Keras' backends."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.training.small import SMALL
from training.data.records.labelled_image import Picture, Population, Share
from training.data.records.labels import NAMES
from training.fitting.loop.fit import fit
from training.fitting.loop.teacher import Teacher
from training.fitting.recipe import Recipe
from training.model.build import POPULATIONS, build
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


def tiny_pictures() -> tuple[list[Picture], np.ndarray]:
    """32 pictures, half of each population, each a colour and a place of its own; no pattern tells their labels."""
    rng = np.random.default_rng(5)
    pixels = np.full((32, SIDE + 8, SIDE + 8, 3), 128, np.uint8)
    for one in pixels:
        y, x = rng.integers(8, 24, 2)
        one[y - 6 : y + 6, x - 6 : x + 6] = rng.integers(0, 256, 3)
    images = [
        Picture(Path(str(at)), at % len(NAMES), "made", POPULATIONS[at // 16], str(at), Share.TRAIN) for at in range(32)
    ]
    return images, pixels


class Lines:
    """A watch that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.losses: list[float] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def step(self, epoch: int, done: int, loss: float) -> None:  # noqa: ARG002
        self.losses.append(loss)


class Stopped(Exception):
    """Raised by a watch to stop a run in the middle of an epoch."""


class StopsIn(Lines):
    """A watch that stops the run at a step of epoch `epoch`."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self._epoch = epoch

    def step(self, epoch: int, done: int, loss: float) -> None:  # noqa: ARG002
        if epoch == self._epoch and done == 2:
            raise Stopped


def tiny_run(directory: Path, watch: Lines | None = None, **changes: Any) -> tuple[Weights, Lines]:
    """Train, or go on, in `directory`; the averaged weights and what the watch saw."""
    import keras

    watch = watch or Lines()
    recipe = Recipe.model_validate({**RECIPE.model_dump(), "sources": ("made",), **changes})
    keras.utils.set_random_seed(recipe.seed)
    model = build(
        SMALL,
        recipe.task.outputs,
        dropout=recipe.dropout,
        precision=recipe.precision,
    )
    images, pixels = tiny_pictures()
    teacher = None
    if recipe.distil:
        teacher = Teacher(build(SMALL, recipe.task.outputs), recipe.distil, [Population.DERMATOSCOPE])
    directory.mkdir(exist_ok=True)
    fit(model, images, pixels, recipe, directory, _nothing, watch, teacher)
    return get_weights(model), watch


def _nothing(model: object) -> dict[str, float]:
    return {}


if __name__ == "__main__":
    # For a test that starts it with another backend: the first loss and the last.
    with tempfile.TemporaryDirectory() as folder:
        seen = tiny_run(Path(folder), epochs=3, pictures=512)[1].losses
    print(seen[0], seen[-1])
