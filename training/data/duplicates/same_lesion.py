"""Photographs of one lesion: from another day, distance or angle, so no copies, but no strangers either.

ISIC 2017 names neither lesions nor patients, and has the same lesion in training and test.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from training.data.duplicates.keypoints import Keypoints, detect_keypoints
from training.data.duplicates.visual_words import find_nearest

#: Least keypoints that one affine map takes onto each other. Of ISIC 2017's pairs, those with more were the same lesion
#: to the eye but one; below it the scale bars of the same dermatoscope begin to count.
MIN_KEYPOINTS: Final = 16
#: Pictures that each one is compared with.
_MAX_CANDIDATES: Final = 40
#: Lowe's ratio: a match counts if the second best is so much farther.
_LOWE_RATIO: Final = 0.72
#: Pixels by which a keypoint may miss its place.
_MAX_REPROJECTION_ERROR: Final = 4.0


def find_same_lesions(
    paths: Sequence[Path], queries: Sequence[int], advance: Callable[[int], object] = lambda _: None
) -> list[tuple[int, int, float]]:
    """Pairs of indices that show the same lesion, at least one of each among `asked`, the smaller first.

    The third number is the share of the matched keypoints that fit. `advance` is told of each picture that was read.
    Raises `TrainingError` where one cannot be read.
    """

    def read(path: Path) -> Keypoints:
        found = detect_keypoints(path)
        advance(1)
        return found

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(read, paths))
        pairs = find_nearest(found, queries, _MAX_CANDIDATES)
        shares = pool.map(lambda pair: _compute_inlier_fraction(found[pair[0]], found[pair[1]]), pairs)
        return [(*pair, share) for pair, share in zip(pairs, shares, strict=True) if share]


def _compute_inlier_fraction(first: Keypoints, second: Keypoints) -> float:
    """Share of the matched keypoints that one affine map takes onto each other; 0 where they are too few."""
    if min(len(first.positions), len(second.positions)) < MIN_KEYPOINTS:
        return 0.0
    alike = first.descriptors @ second.descriptors.T
    best = alike.argmax(axis=1)
    rows = np.arange(len(best))
    mutual = alike.argmax(axis=0)[best] == rows
    top = alike[rows, best]
    alike[rows, best] = -1
    # Squared distances of vectors of norm 1.
    clear = 1 - top < _LOWE_RATIO * (1 - alike.max(axis=1))
    matched = mutual & clear
    if matched.sum() < MIN_KEYPOINTS:
        return 0.0
    _, fits = cv2.estimateAffine2D(
        first.positions[matched],
        second.positions[best[matched]],
        ransacReprojThreshold=_MAX_REPROJECTION_ERROR,
        maxIters=500,
    )
    count = 0 if fits is None else int(fits.sum())
    return count / int(matched.sum()) if count >= MIN_KEYPOINTS else 0.0
