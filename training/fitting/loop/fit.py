"""Fine-tunes the model: one epoch after the other, each ending in a line of the log and a checkpoint."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage
from training.fitting.inputs.batches import generate_batches
from training.fitting.inputs.selection import draw_epoch_indices
from training.fitting.inputs.targets import make_targets
from training.fitting.loop import checkpoint
from training.fitting.loop.distillation import Teacher
from training.fitting.loop.trainer import Trainer
from training.fitting.progress.callbacks import TrainingCallback
from training.fitting.progress.run_log import RunLog
from training.fitting.recipe import Recipe
from training.model.weights import set_weights

#: Takes the model, with the averaged weights in it, and gives figures for the log.
Validator = Callable[[keras.Model], dict[str, float]]


def fit(
    model: keras.Model,
    images: Sequence[LabelledImage],
    pixels: Pixels,
    recipe: Recipe,
    directory: Path,
    validator: Validator,
    callback: TrainingCallback,
    teacher: Teacher | None = None,
    tensorboard: bool = False,
) -> None:
    """Train `model` on those of `pictures`, whose uint8 [n, side, side, 3] are `pixels`, that the recipe learns from.

    Leaves the averaged weights in the model. Goes on from the checkpoint in `directory` where one is there, to the
    same result as without the stop.
    """
    trainer = Trainer(model, recipe)
    state = checkpoint.load_checkpoint(directory)
    if state is not None:
        trainer.restore(state)
        callback.on_message(f"going on after epoch {state.epochs} of {recipe.epochs}")
    first = 0 if state is None else state.epochs
    log = RunLog(directory, first, tensorboard)
    targets = make_targets(images, recipe)
    for epoch in range(first, recipe.epochs):
        began = time.monotonic()
        losses: list[float] = []
        for shown, index in generate_batches(pixels, draw_epoch_indices(images, recipe, epoch), recipe, epoch):
            wanted = targets[index] if teacher is None else teacher.mix_targets(targets[index], shown)
            losses.append(trainer.train_on_batch(shown, wanted))
            callback.on_batch_end(epoch, len(losses), float(np.mean(losses)))
        row = {"epoch": epoch + 1, "size": recipe.image_size(epoch), "loss": round(float(np.mean(losses)), 5)}
        row["seconds"] = round(time.monotonic() - began, 1)
        state = trainer.create_checkpoint(epoch + 1)
        set_weights(model, state.average)
        row |= {name: round(value, 5) for name, value in validator(model).items()}
        set_weights(model, state.weights)
        log.write_epoch(row)
        # Last, as going on drops what the log has of later epochs.
        checkpoint.save_checkpoint(directory, state)
        callback.on_message(", ".join(f"{name} {value}" for name, value in row.items()))
    if state is not None:
        set_weights(model, state.average)
