"""Fine-tunes the model: one epoch after the other, each ending in a checkpoint and a line in a CSV file."""

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from training.data.cache import Pixels
from training.data.labels import LABELS
from training.data.picture import Picture
from training.data.sampling import draw_epoch
from training.fitting import checkpoint
from training.fitting.augment import augment
from training.fitting.checkpoint import Checkpoint
from training.fitting.recipe import Recipe
from training.model.backbone import Weights, get_weights, set_weights

LOG_NAME: Final = "log.csv"

#: Takes the model, with the averaged weights in it, and yields figures for the log.
Measure = Callable[[keras.Model], dict[str, float]]
Report = Callable[[str], None]


def fit(
    model: keras.Model,
    pictures: Sequence[Picture],
    pixels: Pixels,
    recipe: Recipe,
    directory: Path,
    measure: Measure,
    report: Report,
) -> None:
    """Train `model` on `pictures`, whose uint8 [n, side, side, 3] are `pixels`, and leave the average in it.

    Goes on from the checkpoint in `directory` where one is there.
    """
    # Named, because the checkpoint knows its variables by it.
    optimiser = keras.optimizers.AdamW(recipe.rate, weight_decay=recipe.decay, name="adam_w")
    optimiser.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimiser.build(model.trainable_variables)
    state = checkpoint.load(directory)
    if state is not None:
        set_weights(model, state.weights)
        for variable in optimiser.variables:
            variable.assign(state.optimiser[variable.path])
        report(f"going on after epoch {state.epochs} of {recipe.epochs}")
    averaged = _Average(model, get_weights(model) if state is None else state.average, recipe.average)
    step = _make_step(model, optimiser, recipe)
    for epoch in range(0 if state is None else state.epochs, recipe.epochs):
        began = time.monotonic()
        losses = []
        for number, batch in enumerate(_batches(pictures, pixels, recipe, epoch)):
            optimiser.learning_rate.assign(recipe.rate_at(epoch * recipe.steps + number))
            losses.append(float(step(*batch)))
            averaged.update()
        row = {"epoch": epoch + 1, "size": recipe.size(epoch), "loss": round(float(np.mean(losses)), 5)}
        row["seconds"] = round(time.monotonic() - began, 1)
        state = Checkpoint(
            recipe=recipe,
            epochs=epoch + 1,
            weights=get_weights(model),
            average=averaged.weights(),
            optimiser={variable.path: np.array(variable.numpy()) for variable in optimiser.variables},
        )
        checkpoint.save(directory, state)
        set_weights(model, state.average)
        row |= {name: round(value, 5) for name, value in measure(model).items()}
        set_weights(model, state.weights)
        _log(directory / LOG_NAME, row)
        report(", ".join(f"{name} {value}" for name, value in row.items()))
    set_weights(model, averaged.weights())


class _Average:
    """Running average of all weights: smoother than the last ones, and usually better (Polyak averaging)."""

    def __init__(self, model: keras.Model, start: Weights, decay: float) -> None:
        self._variables = [variable for variable in model.variables if variable.path in start]
        self._average = [tf.Variable(start[variable.path]) for variable in self._variables]
        self._decay = decay
        self.update = tf.function(self._update)

    def _update(self) -> None:
        for average, variable in zip(self._average, self._variables, strict=True):
            average.assign_sub((1 - self._decay) * (average - variable.value))

    def weights(self) -> Weights:
        pairs = zip(self._variables, self._average, strict=True)
        return {variable.path: average.numpy() for variable, average in pairs}


def _make_step(model: keras.Model, optimiser: keras.Optimizer, recipe: Recipe) -> Callable[..., Any]:
    loss_of = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.smoothing)

    def step(pictures: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits, *_ = model(pictures, training=True)
            loss = loss_of(targets, logits)
        variables = model.trainable_variables
        optimiser.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return tf.function(step, reduce_retracing=True)  # type: ignore[no-any-return]


def _batches(
    pictures: Sequence[Picture], pixels: Pixels, recipe: Recipe, epoch: int
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Batches of one epoch: float32 [batch, size, size, 3] and one-hot targets float32 [batch, labels]."""
    order = draw_epoch(pictures, recipe.steps * recipe.batch, recipe.seed, epoch)
    labels = np.array([picture.label for picture in pictures])[order]
    targets = np.eye(len(LABELS), dtype=np.float32)[labels]
    size = recipe.size(epoch)
    # Every showing of a picture in the whole run has a number of its own.
    seeds = np.stack([np.full(len(order), recipe.seed), epoch * len(order) + np.arange(len(order))], axis=1)

    def read(index: tf.Tensor, target: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        picture = tf.numpy_function(pixels.__getitem__, [index], tf.uint8)
        return augment(tf.ensure_shape(picture, pixels.shape[1:]), size, seed), target

    # Not `from_generator`: it makes the allocator give memory back at once, and training half as fast.
    data = tf.data.Dataset.from_tensor_slices((order, targets, seeds.astype(np.int32)))
    data = data.map(read, num_parallel_calls=2, deterministic=True)
    return iter(data.batch(recipe.batch, drop_remainder=True).prefetch(2))


def _log(path: Path, row: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, row)
        if new:
            writer.writeheader()
        writer.writerow(row)
