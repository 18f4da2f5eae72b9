"""`python -m benchmarks.runtimes.training_speed`: images a second of each stage of training.

JAX uses the device that it finds.

It needs no data: the pixels are random, and so are the weights. Each stage is measured alone, then all together as
`melanoma-train` runs them.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click
import jax
import keras
import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.fitting.inputs.batches import generate_raw_batches, make_augmenter
from training.fitting.inputs.targets import Floats
from training.fitting.loop.fused_step import FusedStep
from training.fitting.loop.trainer import Trainer
from training.fitting.recipe import Recipe, read_recipe
from training.model.classifier import POPULATIONS, build_classifier
from training.model.depthwise import Depthwise

#: Images of the random data; more than fit into the caches of a processor.
_IMAGES: Final = 4096


@click.command(context_settings={"show_default": True})
@click.argument("recipe", default="lite0_sources")
@click.option("--batch", type=click.IntRange(min=1), help="Images a batch, in place of the recipe's.")
@click.option("--size", type=click.IntRange(min=32), help="Side of the images, in place of the recipe's last.")
@click.option("--steps", type=click.IntRange(min=1), default=30, help="Batches that are timed.")
@click.option(
    "--depthwise",
    "kinds",
    type=click.Choice([*Depthwise]),
    multiple=True,
    default=[*Depthwise],
    help="How to compute depthwise convolutions; may be given twice.",
)
@click.option("--images", type=click.IntRange(min=1), default=_IMAGES, help="Random images on the disk.")
def main(
    recipe: str, batch: int | None, size: int | None, steps: int, kinds: tuple[Depthwise, ...], images: int
) -> None:
    """Measure RECIPE, which must have `drawn`. The last line is a JSON object."""
    overrides = {"start": "nothing", **({"batch": batch} if batch else {}), **({"sizes": [size]} if size else {})}
    chosen = read_recipe(recipe, overrides)
    if not chosen.drawn or keras.backend.backend() != "jax":
        raise click.ClickException("This measures recipes with drawn = true by KERAS_BACKEND=jax.")
    device = jax.devices()[0]
    print(f"{device.device_kind}, {chosen.backbone}, {chosen.precision}, {chosen.batch} x {chosen.sizes[-1]} px")
    figures: dict[str, Any] = {"device": device.device_kind, "batch": chosen.batch, "size": chosen.sizes[-1]}
    with tempfile.TemporaryDirectory() as folder:
        pixels = _write_pixels(Path(folder), images, chosen.training_spec.size)
        for kind in kinds:
            figures[str(kind)] = {}
            for name, value in _measure(chosen.model_copy(update={"depthwise": Depthwise(kind)}), pixels, steps):
                figures[str(kind)][name] = value
                print(f"{kind:12} {name:24} {value:10.1f}", flush=True)
    print(json.dumps(figures))


def _write_pixels(folder: Path, count: int, side: int) -> Pixels:
    path = folder / "pixels.npy"
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (count, side, side, 3))
    rng = np.random.default_rng(0)
    for start in range(0, count, 256):
        pixels[start : start + 256] = rng.integers(0, 256, pixels[start : start + 256].shape, np.uint8)
    pixels.flush()
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def _measure(recipe: Recipe, pixels: Pixels, steps: int) -> Iterator[tuple[str, float]]:
    """Yield images a second of each stage, and seconds to compile, by name."""
    model = build_classifier(
        recipe.architecture, recipe.task.output_count, precision=recipe.precision, depthwise=recipe.depthwise
    )
    trainer, size = Trainer(model, recipe), recipe.sizes[-1]
    augmenter = make_augmenter(pixels.shape[1])
    step = FusedStep(trainer.logits_model, trainer.optimizer, recipe.focal, augmenter)
    order = np.resize(np.random.default_rng(1).permutation(len(pixels)), steps * recipe.batch)
    targets = np.zeros((recipe.batch, len(POPULATIONS), recipe.task.output_count), np.float32)
    targets[:, 0, 0] = 1

    started_at = time.perf_counter()
    batches = list(generate_raw_batches(pixels, order, recipe, 0))
    yield "input, img/s", len(order) / (time.perf_counter() - started_at)

    stock = augmenter.layer(size).stock_value
    augment = jax.jit(step.augment, static_argnames="size")
    images_on_device, parameters, _ = jax.device_put(batches[0])
    images = augment(stock, images_on_device, parameters, size=size)
    seconds = _time(lambda: augment(stock, images_on_device, parameters, size=size), steps)
    yield "augmentation, img/s", steps * recipe.batch / seconds

    update, state = jax.jit(step.update, donate_argnums=0), step.read_state()
    targets_on_device = jax.device_put(targets)

    def run_update() -> Any:
        nonlocal state
        state, loss = update(state, (), images, targets_on_device)
        return loss

    started_at = time.perf_counter()
    _wait(run_update())
    yield "compiling the step, s", time.perf_counter() - started_at
    yield "step, img/s", steps * recipe.batch / _time(run_update, steps)

    started_at = time.perf_counter()
    _train(step, pixels, order[: recipe.batch], recipe, targets)
    yield "compiling all, s", time.perf_counter() - started_at
    started_at = time.perf_counter()
    _train(step, pixels, order, recipe, targets)
    yield "all, img/s", len(order) / (time.perf_counter() - started_at)
    yield "compiled functions", step.compilations


def _train(
    step: FusedStep, pixels: Pixels, order: npt.NDArray[np.int64], recipe: Recipe, targets: Floats
) -> list[float]:
    losses = []
    for batch, parameters, _ in generate_raw_batches(pixels, order, recipe, 0):
        losses += list(step.train_on_batch(batch, parameters, targets, recipe.sizes[-1]))
    return [*losses, *step.sync()]


def _wait(result: Any) -> None:
    """Wait until the device has computed a result."""
    jax.block_until_ready(result)  # type: ignore[no-untyped-call]


def _time(function: Callable[[], Any], count: int) -> float:
    """Seconds of `count` calls after one that compiles. The device must be done with the last."""
    _wait(function())
    started_at = time.perf_counter()
    result = None
    for _ in range(count):
        result = function()
    _wait(result)
    return time.perf_counter() - started_at


if __name__ == "__main__":
    main()
