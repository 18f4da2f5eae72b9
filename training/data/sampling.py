"""Samples the images of an epoch."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import MELANOMA


def draw_epoch(
    images: Sequence[LabelledImage], count: int, seed: int, epoch: int, melanoma_share: float | None = None
) -> npt.NDArray[np.int64]:
    """Draw the images of one epoch.

    Each group of one (data set, label) gets a part of the epoch in proportion to the square root of its size, which
    lies between equal and proportional parts (Mahajan et al., ECCV 2018). Rare labels are thus shown more often
    without being memorised. An image of a group is drawn again only after all others of the group.

    Args:
        images: The images to draw from.
        count: Number of draws.
        seed: Seed of the run. Seed and epoch decide the result.
        epoch: Number of the epoch.
        melanoma_share: Share of melanomas in the draws of each data set that has melanomas. A data set then gets a part
            in proportion to the square root of its size; one of melanomas alone gets none, as it would mean melanoma.
            If the share is None, melanomas are a label like others.

    Raises:
        ValueError: With a `melanoma_share`, if all data sets have melanomas alone.

    Returns:
        Shuffled indices into `images`, int64 [count].
    """
    rng = np.random.default_rng((seed, epoch))
    groups = [(image.source, image.label) for image in images]
    sizes = Counter(groups)
    weights = {group: size**0.5 for group, size in sorted(sizes.items())}
    if melanoma_share is not None:
        weights = _balance_sources(weights, sizes, melanoma_share)
    total = sum(weights.values())
    if total == 0:
        raise ValueError("a share of melanomas needs other lesions")
    drawn = []
    for group, weight in weights.items():
        members = np.flatnonzero([member == group for member in groups])
        group_count = round(count * weight / total)
        rounds = -(-group_count // len(members))
        drawn.append(np.concatenate([rng.permutation(members) for _ in range(rounds)] or [members[:0]])[:group_count])
    order = rng.permutation(np.concatenate(drawn))
    # Rounding may leave a few draws more or less than `count`.
    return np.resize(order, count).astype(np.int64)


def _balance_sources(
    weights: dict[tuple[str, int], float], sizes: Mapping[tuple[str, int], int], melanoma_share: float
) -> dict[tuple[str, int], float]:
    """Scale the weights so that melanomas have the same share in each data set."""
    balanced = {}
    for source in dict.fromkeys(source for source, _ in weights):
        members = {group: weight for group, weight in weights.items() if group[0] == source}
        part = sum(sizes[group] for group in members) ** 0.5
        others = sum(weight for (_, label), weight in members.items() if label != MELANOMA)
        for (_, label), weight in members.items():
            if others == 0:
                balanced[source, label] = 0.0
            elif label == MELANOMA:
                balanced[source, label] = part * melanoma_share
            else:
                has_melanoma = (source, MELANOMA) in members
                balanced[source, label] = part * (1 - melanoma_share * has_melanoma) * weight / others
    return balanced
