"""Finds photographs of one lesion that are no copies: taken on another day, or from another distance or angle.

ISIC 2017 names neither lesions nor patients, and has the same lesion in training and test.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from training.data.duplicates.keypoints import Keypoints, detect_keypoints
from training.data.duplicates.visual_words import find_nearest

#: Lowest number of keypoints that one affine map takes onto each other. With more, all pairs of ISIC 2017 but one were
#: the same lesion to the eye; with fewer, scale bars of the same dermatoscope begin to match.
MIN_KEYPOINTS: Final = 16
#: Number of images that each query is compared with.
_MAX_CANDIDATES: Final = 40
#: Lowe's ratio test: a match counts only if the second best is farther by this ratio, here of squared distances.
_LOWE_RATIO: Final = 0.72
#: In pixels.
_MAX_REPROJECTION_ERROR: Final = 4.0


def find_same_lesions(
    paths: Sequence[Path], queries: Sequence[int], advance: Callable[[int], object] = lambda _: None
) -> list[tuple[int, int, float]]:
    """Find pairs of images that show the same lesion.

    `queries` are the indices of the images to find partners for. `advance` is called with 1 after each image that was
    read.

    Returns:
        Two indices, the smaller first, and the fraction of the matched keypoints that fit, in (0, 1].

    Raises:
        TrainingError: If an image cannot be read.
    """

    def read(path: Path) -> Keypoints:
        keypoints = detect_keypoints(path)
        advance(1)
        return keypoints

    with ThreadPoolExecutor() as pool:
        keypoints = list(pool.map(read, paths))
        pairs = find_nearest(keypoints, queries, _MAX_CANDIDATES)
        # Threads of the matrix product within the threads of the pool wait for each other, which takes eight times the
        # CPU time on two cores.
        with threadpool_limits(1, user_api="blas"):
            fractions = list(
                pool.map(lambda pair: _compute_inlier_fraction(keypoints[pair[0]], keypoints[pair[1]]), pairs)
            )
        return [(*pair, fraction) for pair, fraction in zip(pairs, fractions, strict=True) if fraction]


def _compute_inlier_fraction(first: Keypoints, second: Keypoints) -> float:
    """Fraction of the matched keypoints that one affine map takes onto each other; 0 if they are too few."""
    if min(len(first.positions), len(second.positions)) < MIN_KEYPOINTS:
        return 0.0
    similarity = first.descriptors @ second.descriptors.T
    best = similarity.argmax(axis=1)
    rows = np.arange(len(best))
    is_mutual = similarity.argmax(axis=0)[best] == rows
    best_similarity = similarity[rows, best]
    similarity[rows, best] = -1
    # 1 - similarity is half the squared distance of two vectors of norm 1.
    is_distinct = 1 - best_similarity < _LOWE_RATIO * (1 - similarity.max(axis=1))
    matched = is_mutual & is_distinct
    if matched.sum() < MIN_KEYPOINTS:
        return 0.0
    _, inliers = cv2.estimateAffine2D(
        first.positions[matched],
        second.positions[best[matched]],
        ransacReprojThreshold=_MAX_REPROJECTION_ERROR,
        maxIters=500,
    )
    count = 0 if inliers is None else int(inliers.sum())
    return count / int(matched.sum()) if count >= MIN_KEYPOINTS else 0.0
