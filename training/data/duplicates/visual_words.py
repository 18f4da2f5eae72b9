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


def find_nearest(images: Sequence[Keypoints], queries: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Find the images whose visual words are most similar to those of each query.

    Args:
        images: Keypoints of all images.
        queries: Indices of the images to compare with all others.
        count: Number of images to find for each query.

    Returns:
        Sorted pairs of indices, the smaller index first.
    """
    descriptors = np.concatenate([image.descriptors for image in images])
    # Descriptors drawn at random are almost as good words as clustered ones, and take no time to compute.
    words = descriptors[np.random.default_rng(0).permutation(len(descriptors))[:_VOCABULARY_SIZE]]
    counts = np.zeros((len(images), max(1, len(words))), np.float32)
    for index, image in enumerate(images):
        if len(image.descriptors):
            counts[index] = np.bincount((image.descriptors @ words.T).argmax(axis=1), minlength=len(words))
    inverse_document_frequency = np.log((1 + len(images)) / (1 + (counts > 0).sum(axis=0)))
    weights = (np.log1p(counts) * inverse_document_frequency).astype(np.float32)
    weights /= np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-6)
    pairs: set[tuple[int, int]] = set()
    for query in queries:
        similarity: npt.NDArray[np.float32] = weights @ weights[query]
        similarity[query] = -1
        pairs.update((min(query, other), max(query, other)) for other in np.argsort(-similarity)[:count].tolist())
    return sorted(pairs)
