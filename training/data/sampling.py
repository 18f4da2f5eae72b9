"""Samples the images of an epoch."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.data.records.labelled_image import LabelledImage


def draw_epoch(images: Sequence[LabelledImage], count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Draw the images of one epoch.

    Each group of one (data set, label) gets a part of the epoch in proportion to the square root of its size, which
    lies between equal and proportional parts (Mahajan et al., ECCV 2018). Rare labels are thus shown more often
    without being memorised. An image of a group is drawn again only after all others of the group.

    Args:
        images: The images to draw from.
        count: Number of draws.
        seed: Seed of the run. Seed and epoch decide the result.
        epoch: Number of the epoch.

    Returns:
        Shuffled indices into `images`, int64 [count].
    """
    rng = np.random.default_rng((seed, epoch))
    groups = [(image.source, image.label) for image in images]
    sizes = Counter(groups)
    weights = {group: size**0.5 for group, size in sorted(sizes.items())}
    total = sum(weights.values())
    drawn = []
    for group, weight in weights.items():
        members = np.flatnonzero([member == group for member in groups])
        group_count = round(count * weight / total)
        rounds = -(-group_count // len(members))
        drawn.append(np.concatenate([rng.permutation(members) for _ in range(rounds)] or [members[:0]])[:group_count])
    order = rng.permutation(np.concatenate(drawn))
    # Rounding may leave a few draws more or less than `count`.
    return np.resize(order, count).astype(np.int64)
