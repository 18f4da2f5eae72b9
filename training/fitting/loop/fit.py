"""Fine-tunes the model: one epoch after the other, each ending in a line of the log and a checkpoint."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from training.data.image_cache import Pixels
from training.data.records.labelled_image import Picture
from training.fitting.inputs.batches import batches
from training.fitting.inputs.selection import show
from training.fitting.inputs.targets import make_targets
from training.fitting.loop import checkpoint
from training.fitting.loop.learner import Learner
from training.fitting.loop.teacher import Teacher
from training.fitting.progress.console import Watch
from training.fitting.progress.run_log import Log
from training.fitting.recipe import Recipe
from training.model.weights import set_weights

#: Takes the model, with the averaged weights in it, and gives figures for the log.
Measure = Callable[[keras.Model], dict[str, float]]


def fit(
    model: keras.Model,
    images: Sequence[Picture],
    pixels: Pixels,
    recipe: Recipe,
    directory: Path,
    measure: Measure,
    watch: Watch,
    teacher: Teacher | None = None,
    tensorboard: bool = False,
) -> None:
    """Train `model` on those of `pictures`, whose uint8 [n, side, side, 3] are `pixels`, that the recipe learns from.

    Leaves the averaged weights in the model. Goes on from the checkpoint in `directory` where one is there, to the
    same result as without the stop.
    """
    learner = Learner(model, recipe)
    state = checkpoint.load(directory)
    if state is not None:
        learner.restore(state)
        watch.say(f"going on after epoch {state.epochs} of {recipe.epochs}")
    first = 0 if state is None else state.epochs
    log = Log(directory, first, tensorboard)
    targets = make_targets(images, recipe)
    for epoch in range(first, recipe.epochs):
        began = time.monotonic()
        losses: list[float] = []
        for shown, index in batches(pixels, show(images, recipe, epoch), recipe, epoch):
            wanted = targets[index] if teacher is None else teacher.mix(targets[index], shown)
            losses.append(learner.step(shown, wanted))
            watch.step(epoch, len(losses), float(np.mean(losses)))
        row = {"epoch": epoch + 1, "size": recipe.size(epoch), "loss": round(float(np.mean(losses)), 5)}
        row["seconds"] = round(time.monotonic() - began, 1)
        state = learner.checkpoint(epoch + 1)
        set_weights(model, state.average)
        row |= {name: round(value, 5) for name, value in measure(model).items()}
        set_weights(model, state.weights)
        log.write(row)
        # Last, as going on drops what the log has of later epochs.
        checkpoint.save(directory, state)
        watch.say(", ".join(f"{name} {value}" for name, value in row.items()))
    if state is not None:
        set_weights(model, state.average)
