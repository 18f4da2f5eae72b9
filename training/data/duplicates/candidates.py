"""Pairs of pictures that might be copies, by their perceptual hashes: quick, and generous."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data.duplicates.fingerprint import Fingerprint, phash
from training.data.duplicates.orientations import orientations

#: Most bits of 64 in which the hashes of copies differ. Scaled and encoded copies differ in 0 to 4, unrelated
#: pictures in 32 on average; what comes through by chance is refused by the closer look.
MOST_BITS: Final = 10
_ROWS: Final = 512


def candidates(prints: Sequence[Fingerprint]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """For each of the eight orientations its number, and pairs int64 [n, 2] of indices that look alike in it.

    The first of a pair is alike to the second in that orientation, and is the smaller index.
    """
    upright = np.array([one.phash for one in prints], np.uint64)
    small = np.stack([one.small for one in prints])
    for number, turned in enumerate(orientations(small)):
        hashes = upright if number == 0 else _hashes(turned)
        yield number, _near(upright, hashes)


def _hashes(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    return np.array([phash(np.ascontiguousarray(one)) for one in images], np.uint64)


def _near(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    found = [np.empty((0, 2), np.int64)]
    for start in range(0, len(left), _ROWS):
        bits = np.bitwise_count(left[start : start + _ROWS, None] ^ right[None, start:])
        pairs = np.argwhere(bits <= MOST_BITS)
        found.append(pairs[pairs[:, 0] < pairs[:, 1]] + start)
    return np.concatenate(found)
