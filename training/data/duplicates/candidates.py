"""Finds pairs of images that may be copies, by their perceptual hashes. Fast, with many false positives."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data.duplicates.fingerprint import Fingerprint, compute_phash
from training.data.duplicates.orientations import generate_orientations

#: Of 64 bits. The hashes of scaled and encoded copies differ in 0 to 4 bits, those of unrelated images in 32 on
#: average; `similarity` rejects the chance matches.
MAX_HAMMING_DISTANCE: Final = 10
_CHUNK_SIZE: Final = 512


def find_candidates(fingerprints: Sequence[Fingerprint]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Find the candidates in each of the eight orientations.

    Yields:
        Number of the orientation, and pairs of indices int64 [n, 2]: the first image may be a copy of the second image
        in that orientation. The first index is the smaller one.
    """
    upright = np.array([fingerprint.phash for fingerprint in fingerprints], np.uint64)
    thumbnails = np.stack([fingerprint.thumbnail for fingerprint in fingerprints])
    for orientation, turned in enumerate(generate_orientations(thumbnails)):
        hashes = upright if orientation == 0 else _compute_hashes(turned)
        yield orientation, _find_near_pairs(upright, hashes)


def _compute_hashes(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    return np.array([compute_phash(np.ascontiguousarray(image)) for image in images], np.uint64)


def _find_near_pairs(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    chunks = [np.empty((0, 2), np.int64)]
    for start in range(0, len(left), _CHUNK_SIZE):
        bits = np.bitwise_count(left[start : start + _CHUNK_SIZE, None] ^ right[None, start:])
        pairs = np.argwhere(bits <= MAX_HAMMING_DISTANCE)
        chunks.append(pairs[pairs[:, 0] < pairs[:, 1]] + start)
    return np.concatenate(chunks)
