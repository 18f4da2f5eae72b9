"""The training loop: each epoch ends with a row of the log and a checkpoint."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage
from training.errors import TrainingError
from training.fitting.inputs.batches import generate_batches, generate_raw_batches, make_augmenter
from training.fitting.inputs.selection import draw_epoch_indices
from training.fitting.inputs.targets import Floats, make_targets
from training.fitting.lineage import Lineage
from training.fitting.loop.checkpoint import load_checkpoint, save_checkpoint
from training.fitting.loop.distillation import Teacher
from training.fitting.loop.trainer import Trainer
from training.fitting.progress.callbacks import TrainingCallback
from training.fitting.progress.run_log import RunLog
from training.fitting.recipe import Recipe
from training.model.precision import Precision
from training.model.weights import set_weights

#: Computes metrics for the log, with the averaged weights in the model.
Validator = Callable[[keras.Model], dict[str, float]]
#: Trains one epoch on images in an order, and yields the loss of each batch.
EpochTrainer = Callable[[npt.NDArray[np.int64], int], Iterator[float]]


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
    lineage: Lineage | None = None,
) -> None:
    """Train a model, and leave the averaged weights in it.

    Training resumes from the checkpoint in `directory` if there is one, and then ends with the same result as without
    the stop.

    Args:
        model: The model, with its initial weights.
        images: Images, of which the recipe selects those to train on.
        pixels: The same images, uint8 [n, side, side, 3].
        recipe: The recipe.
        directory: Folder of the checkpoint and the log.
        validator: Called after each epoch.
        callback: Called with messages and after each batch.
        teacher: Teacher for distillation.
        tensorboard: Write events for TensorBoard too.
        lineage: What the run learns from, for the checkpoint.

    Raises:
        TrainingError: If the checkpoint is damaged, if the loss is no number, or if TensorBoard is not installed.
    """
    trainer = Trainer(model, recipe, lineage)
    checkpoint = load_checkpoint(directory)
    if checkpoint is not None:
        if checkpoint.epochs < recipe.epochs:
            trainer.restore(checkpoint)
        callback.on_message(f"resuming after epoch {checkpoint.epochs} of {recipe.epochs}")
    first_epoch = 0 if checkpoint is None else checkpoint.epochs
    log = RunLog(directory, first_epoch, tensorboard)
    train_epoch = _choose_epoch_trainer(trainer, pixels, make_targets(images, recipe), recipe, teacher)
    for epoch in range(first_epoch, recipe.epochs):
        started_at = time.monotonic()
        losses: list[float] = []
        for loss in train_epoch(draw_epoch_indices(images, recipe, epoch), epoch):
            losses.append(loss)
            if not math.isfinite(losses[-1]):
                raise TrainingError(
                    f"The loss is no number in epoch {epoch + 1}: lower the recipe's rate. {directory} keeps the"
                    " checkpoint of the epoch before."
                )
            callback.on_batch_end(epoch, len(losses), float(np.mean(losses)))
        row = {"epoch": epoch + 1, "size": recipe.image_size(epoch), "loss": round(float(np.mean(losses)), 5)}
        row["seconds"] = round(time.monotonic() - started_at, 1)
        checkpoint = trainer.create_checkpoint(epoch + 1)
        set_weights(model, checkpoint.average)
        row |= {name: round(value, 5) for name, value in validator(model).items()}
        set_weights(model, checkpoint.weights)
        log.write_epoch(row)
        # The checkpoint comes last: resuming from it drops the log's rows of later epochs.
        save_checkpoint(directory, checkpoint)
        callback.on_message(", ".join(f"{name} {value}" for name, value in row.items()))
    if checkpoint is not None:
        set_weights(model, checkpoint.average)


def _choose_epoch_trainer(
    trainer: Trainer, pixels: Pixels, targets: Floats, recipe: Recipe, teacher: Teacher | None
) -> EpochTrainer:
    """Choose one compiled function for all of a step where the backend can compile it, else one for each part."""

    def train_in_parts(order: npt.NDArray[np.int64], epoch: int) -> Iterator[float]:
        for batch, indices in generate_batches(pixels, order, recipe, epoch):
            batch_targets = targets[indices] if teacher is None else teacher.mix_targets(targets[indices], batch)
            yield trainer.train_on_batch(batch, batch_targets)

    if not recipe.drawn or recipe.precision is Precision.FLOAT16 or keras.backend.backend() != "jax":
        return train_in_parts
    # JAX is installed only where it is used.
    from training.fitting.loop.fused_step import FusedStep

    augmenter = make_augmenter(pixels.shape[1])
    step = FusedStep(trainer.logits_model, trainer.optimizer, recipe.focal, augmenter, teacher)

    def train_fused(order: npt.NDArray[np.int64], epoch: int) -> Iterator[float]:
        size = recipe.image_size(epoch)
        for batch, parameters, indices in generate_raw_batches(pixels, order, recipe, epoch):
            yield from step.train_on_batch(batch, parameters, targets[indices], size)
        yield from step.sync()

    return train_fused
