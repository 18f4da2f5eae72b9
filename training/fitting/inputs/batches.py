"""Batches of augmented images, prepared by threads while the model trains on the previous batch."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.fitting.augmentation import augment
from training.fitting.recipe import Recipe

#: Batches prepared in advance, and the threads that prepare them. Pillow releases the GIL while it works.
PREFETCH: Final = 3
THREADS: Final = 2


def generate_batches(
    pixels: Pixels, order: npt.NDArray[np.int64], recipe: Recipe, epoch: int
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
    """Generate the batches of one epoch.

    Seed, epoch and position in `order` decide the augmentation of an image.

    Args:
        pixels: Images, uint8 [n, side, side, 3].
        order: Indices of the images in the order of the epoch.
        recipe: The recipe.
        epoch: Number of the epoch.

    Yields:
        Augmented images float32 [batch, size, size, 3] in [0, 255], and their indices [batch].
    """
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

    with ThreadPoolExecutor(THREADS) as pool:
        steps = range(len(order) // recipe.batch)
        pending = deque(pool.submit(make_batch, step) for step in steps[:PREFETCH])
        for step in steps:
            batch = pending.popleft().result()
            if step + PREFETCH < len(steps):
                pending.append(pool.submit(make_batch, step + PREFETCH))
            yield batch
