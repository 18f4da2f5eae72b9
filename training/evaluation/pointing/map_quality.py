"""Measures evidence maps pixel by pixel, and whether they stay when the image is flipped."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from PIL import Image
from scipy.stats import rankdata  # type: ignore[import-untyped]

from training.data.image_cache import Pixels
from training.metrics.bootstrap import Flags, Floats
from training.model.views import FLIPS, flip

#: Evidence for malignancy, as a share of the map's largest absolute value, from which serving draws an outline.
_OUTLINE_FROM: Final = 0.5


def iterate_flips(pixels: Pixels) -> Iterator[Pixels]:
    """Yield images [n, size, size, 3] in all of `FLIPS`."""
    for flipped in FLIPS:
        yield np.ascontiguousarray(flip(pixels, flipped))


def average_over_flips(evidence: Floats, count: int) -> Floats:
    """Average maps over the first `count` of `FLIPS`.

    Args:
        evidence: Maps [4, n, rows, columns] of images in all of `FLIPS`, in the orientation of those.
        count: 1, 2 or 4.

    Returns:
        Maps [4, n, rows, columns] that a graph with so many views would give for images in all of `FLIPS`, turned
        back into the orientation of the unchanged image.
    """
    upright = np.stack([flip(maps, flipped) for maps, flipped in zip(evidence, FLIPS, strict=True)])
    # A graph sees its input in each view: `FLIPS` form a group, so view and flip together are another of them.
    order = [[FLIPS.index((first[0] ^ second[0], first[1] ^ second[1])) for second in FLIPS[:count]] for first in FLIPS]
    return np.asarray(upright[np.array(order)].mean(axis=1))


def find_stable_peaks(maps: Floats) -> Floats:
    """Share of the flips, [n], under which the strongest cell of maps [4, n, rows, columns] stays where it is."""
    peaks = maps.reshape(*maps.shape[:2], -1).argmax(axis=-1)
    return np.asarray((peaks[1:] == peaks[0]).mean(axis=0))


def has_outline(cells: Floats) -> bool:
    """Return whether serving would draw an outline for a map [rows, columns]."""
    return bool(cells.max() > 0 and cells.max() >= _OUTLINE_FROM * np.abs(cells).max())


def pixel_auc(cells: Floats, lesion: Flags) -> float:
    """ROC AUC of a map [rows, columns] for the pixels of a lesion, bool [height, width] with pixels on both sides."""
    stretched = Image.fromarray(np.asarray(cells, np.float32)).resize(lesion.shape[::-1], Image.Resampling.BICUBIC)
    return _auc(np.asarray(stretched), lesion)


def disc_auc(lesion: Flags) -> float:
    """ROC AUC of a disc around the centre of the image, for comparison: nearer pixels score higher."""
    y, x = np.mgrid[-1 : 1 : lesion.shape[0] * 1j, -1 : 1 : lesion.shape[1] * 1j]
    return _auc(-np.hypot(y, x), lesion)


def _auc(values: Floats, positive: Flags) -> float:
    ranks = rankdata(values.ravel())
    count = int(positive.sum())
    total = float(ranks[positive.ravel()].sum()) - count * (count + 1) / 2
    return total / (count * (positive.size - count))
