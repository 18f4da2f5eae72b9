"""Finds the images that are worth a comparison keypoint by keypoint: those with the same visual words.

After Sivic and Zisserman, "Video Google", ICCV 2003: descriptors are assigned to words, and images are compared by how
often each word occurs; rare words weigh more.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data.duplicates.keypoints import Keypoints

_VOCABULARY_SIZE: Final = 1024
#: Queries that are compared with all images at once.
_CHUNK_SIZE: Final = 256


def find_nearest(images: Sequence[Keypoints], queries: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Find the images whose visual words are most similar to those of each query.

    Args:
        images: Keypoints of all images.
        queries: Indices of the images to compare with all others.
        count: Number of images to find for each query.

    Returns:
        Sorted pairs of indices, the smaller index first.
    """
    words = _draw_words(images)
    counts = np.zeros((len(images), max(1, len(words))), np.float32)
    for index, image in enumerate(images):
        if len(image.positions):
            counts[index] = np.bincount((image.descriptors @ words.T).argmax(axis=1), minlength=len(words))
    inverse_document_frequency = np.log((1 + len(images)) / (1 + (counts > 0).sum(axis=0)))
    weights = (np.log1p(counts) * inverse_document_frequency).astype(np.float32)
    weights /= np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-6)
    pairs: set[tuple[int, int]] = set()
    count = min(count, len(images) - 1)
    for start in range(0, len(queries) if count > 0 else 0, _CHUNK_SIZE):
        chunk = queries[start : start + _CHUNK_SIZE]
        similarities = weights[chunk] @ weights.T
        similarities[np.arange(len(chunk)), chunk] = -1
        nearest = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
        for query, others in zip(chunk, nearest.tolist(), strict=True):
            pairs.update((min(query, other), max(query, other)) for other in others)
    return sorted(pairs)


def _draw_words(images: Sequence[Keypoints]) -> npt.NDArray[np.float32]:
    """Draw descriptors at random: they are almost as good words as clustered ones, and take no time to compute."""
    ends = np.cumsum([len(image.positions) for image in images])
    drawn = np.random.default_rng(0).permutation(ends[-1])[:_VOCABULARY_SIZE]
    members = np.searchsorted(ends, drawn, side="right")
    rows = drawn - np.concatenate(([0], ends))[members]
    return np.stack([images[member].descriptors[row] for member, row in zip(members, rows, strict=True)])
