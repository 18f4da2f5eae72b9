"""Batches of augmented images, prepared by threads while the model trains on the previous batch."""

import functools
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.fitting.augmentation import augment
from training.fitting.drawing.augmenter import Augmenter
from training.fitting.drawing.parameters import Parameters, draw_parameters
from training.fitting.recipe import Recipe

#: Batches prepared in advance, and the threads that prepare them. Pillow releases the GIL while it works.
PREFETCH: Final = 6
THREADS: Final = min(4, os.cpu_count() or 1)

Batch = TypeVar("Batch")
#: Images [n, size, size, 3] in [0, 255].
Images = npt.NDArray[np.float32] | npt.NDArray[np.uint8]


def generate_batches(
    pixels: Pixels, order: npt.NDArray[np.int64], recipe: Recipe, epoch: int
) -> Iterator[tuple[Images, npt.NDArray[np.int64]]]:
    """Generate the batches of one epoch.

    Seed, epoch and position in `order` decide the augmentation of an image.

    Args:
        pixels: Images, uint8 [n, side, side, 3].
        order: Indices of the images in the order of the epoch.
        recipe: The recipe.
        epoch: Number of the epoch.

    Yields:
        Augmented images [batch, size, size, 3] in [0, 255], float32 or uint8, and their indices [batch].
    """
    if recipe.drawn:
        yield from _generate_drawn_batches(pixels, order, recipe, epoch)
        return
    size = recipe.image_size(epoch)

    def make_batch(step: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        positions = range(step * recipe.batch, (step + 1) * recipe.batch)
        augmented = [
            augment(
                pixels[order[position]], size, np.random.default_rng((recipe.seed, epoch, position)), recipe.changes
            )
            for position in positions
        ]
        return np.stack(augmented), order[positions.start : positions.stop]

    yield from _prefetch(make_batch, len(order) // recipe.batch)


def _generate_drawn_batches(
    pixels: Pixels, order: npt.NDArray[np.int64], recipe: Recipe, epoch: int
) -> Iterator[tuple[Images, npt.NDArray[np.int64]]]:
    """Generate the batches of one epoch, augmented by the backend."""
    augmenter, size = make_augmenter(pixels.shape[1]), recipe.image_size(epoch)
    for images, parameters, indices in generate_raw_batches(pixels, order, recipe, epoch):
        yield augmenter.augment(images, size, parameters), indices


def generate_raw_batches(
    pixels: Pixels, order: npt.NDArray[np.int64], recipe: Recipe, epoch: int
) -> Iterator[tuple[Pixels, Parameters, npt.NDArray[np.int64]]]:
    """Generate the batches of one epoch of a recipe with `drawn`, not augmented yet.

    Arguments are those of `generate_batches`.

    Yields:
        Images uint8 [batch, side, side, 3], the parameters of their augmentation, and their indices [batch].
    """

    def read_batch(step: int) -> tuple[Pixels, Parameters, npt.NDArray[np.int64]]:
        indices = order[step * recipe.batch : (step + 1) * recipe.batch]
        rng = np.random.default_rng((recipe.seed, epoch, step))
        return np.stack([pixels[index] for index in indices]), draw_parameters(len(indices), rng), indices

    yield from _prefetch(read_batch, len(order) // recipe.batch)


@functools.cache
def make_augmenter(side: int) -> Augmenter:
    """Make an augmenter, once: it is compiled for each size."""
    return Augmenter(side)


def _prefetch(make_batch: Callable[[int], Batch], steps: int) -> Iterator[Batch]:
    """Generate the batches of all steps, made by threads in advance."""
    with ThreadPoolExecutor(THREADS) as pool:
        pending = deque(pool.submit(make_batch, step) for step in range(min(PREFETCH, steps)))
        for step in range(steps):
            batch = pending.popleft().result()
            if step + PREFETCH < steps:
                pending.append(pool.submit(make_batch, step + PREFETCH))
            yield batch
