"""Batches of changed pictures, made by threads while the model learns from the batch before."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.fitting.augmentation import augment
from training.fitting.recipe import Recipe

#: Batches made ahead, and the threads that make them. Pillow lets go of the interpreter while it works.
PREFETCH: Final = 3
THREADS: Final = 2


def generate_batches(
    pixels: Pixels, order: npt.NDArray[np.int64], recipe: Recipe, epoch: int
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
    """Batches of one epoch: pictures float32 [batch, size, size, 3] in [0, 255], and their indices [batch].

    `pixels` are uint8 [n, side, side, 3]. Seed, epoch and place in `order` decide how a picture is changed.
    """
    size = recipe.image_size(epoch)

    def make(step: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        places = range(step * recipe.batch, (step + 1) * recipe.batch)
        made = [
            augment(pixels[order[at]], size, np.random.default_rng((recipe.seed, epoch, at)), recipe.changes)
            for at in places
        ]
        return np.stack(made), order[places.start : places.stop]

    with ThreadPoolExecutor(THREADS) as pool:
        steps = range(len(order) // recipe.batch)
        pending = deque(pool.submit(make, step) for step in steps[:PREFETCH])
        for step in steps:
            done = pending.popleft().result()
            if step + PREFETCH < len(steps):
                pending.append(pool.submit(make, step + PREFETCH))
            yield done
