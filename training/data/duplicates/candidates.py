"""Pairs of pictures that might be copies, by their perceptual hashes: quick, and generous."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data.duplicates.fingerprint import Fingerprint, compute_phash
from training.data.duplicates.orientations import generate_orientations

#: Most bits of 64 in which the hashes of copies differ. Scaled and encoded copies differ in 0 to 4, unrelated
#: pictures in 32 on average; what comes through by chance is refused by the closer look.
MAX_HAMMING_DISTANCE: Final = 10
_CHUNK_SIZE: Final = 512


def find_candidates(fingerprints: Sequence[Fingerprint]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """For each of the eight orientations its number, and pairs int64 [n, 2] of indices that look alike in it.

    The first of a pair is alike to the second in that orientation, and is the smaller index.
    """
    upright = np.array([one.phash for one in fingerprints], np.uint64)
    small = np.stack([one.thumbnail for one in fingerprints])
    for number, turned in enumerate(generate_orientations(small)):
        hashes = upright if number == 0 else _compute_hashes(turned)
        yield number, _find_near_pairs(upright, hashes)


def _compute_hashes(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    return np.array([compute_phash(np.ascontiguousarray(one)) for one in images], np.uint64)


def _find_near_pairs(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(left), _CHUNK_SIZE):
        bits = np.bitwise_count(left[start : start + _CHUNK_SIZE, None] ^ right[None, start:])
        pairs = np.argwhere(bits <= MAX_HAMMING_DISTANCE)
        found.append(pairs[pairs[:, 0] < pairs[:, 1]] + start)
    return np.concatenate(found)
