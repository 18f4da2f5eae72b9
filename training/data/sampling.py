"""Which pictures an epoch shows, and how often."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.data.records.labelled_image import LabelledImage


def draw_epoch(images: Sequence[LabelledImage], count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Indices int64 [count] of the pictures of one epoch, shuffled; the same for the same arguments.

    Each (data set, label) gets a share of the epoch by the square root of its size, between equal and
    proportional shares (Mahajan et al., ECCV 2018), so rare labels are seen without being learned by heart.
    Within its group a picture comes again only once all others have come.
    """
    rng = np.random.default_rng((seed, epoch))
    groups = [(image.source, image.label) for image in images]
    sizes = Counter(groups)
    weights = {group: size**0.5 for group, size in sorted(sizes.items())}
    total = sum(weights.values())
    drawn = []
    for group, weight in weights.items():
        members = np.flatnonzero([other == group for other in groups])
        count_of_group = round(count * weight / total)
        rounds = -(-count_of_group // len(members))
        drawn.append(
            np.concatenate([rng.permutation(members) for _ in range(rounds)] or [members[:0]])[:count_of_group]
        )
    order = rng.permutation(np.concatenate(drawn))
    # Rounding may leave the epoch a few pictures long or short of `count`.
    return np.resize(order, count).astype(np.int64)
