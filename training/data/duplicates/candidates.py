"""Finds pairs of images that may be copies, by their perceptual hashes. Fast, with many false positives."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.data.duplicates.fingerprint import Fingerprint
from training.data.duplicates.orientations import generate_orientations

#: Of 64 bits. The hashes of scaled and encoded copies differ in 0 to 4 bits, those of unrelated images in 32 on
#: average; `similarity` rejects the chance matches.
MAX_HAMMING_DISTANCE: Final = 10
_CHUNK_SIZE: Final = 512
#: Side of the image that `imagehash.phash` transforms, and number of frequencies of each axis that it keeps.
_PHASH_SIDE: Final = 32
_FREQUENCIES: Final = 8


def find_candidates(fingerprints: Sequence[Fingerprint]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Find the candidates in each of the eight orientations.

    Yields:
        Number of the orientation, and pairs of indices int64 [n, 2]: the first image may be a copy of the second image
        in that orientation. The first index is the smaller one.
    """
    upright = np.array([fingerprint.phash for fingerprint in fingerprints], np.uint64)
    # Pillow shrinks rows first and rounds. So an image that is turned by a quarter and then shrunk equals one that is
    # shrunk with its columns first and then turned.
    rows_first = np.stack([_shrink(fingerprint.thumbnail) for fingerprint in fingerprints])
    columns_first = np.stack([_shrink(fingerprint.thumbnail.T).T for fingerprint in fingerprints])
    turned = zip(generate_orientations(rows_first), generate_orientations(columns_first), strict=True)
    for orientation, images in enumerate(turned):
        hashes = upright if orientation == 0 else compute_phashes(images[orientation % 2])
        yield orientation, _find_near_pairs(upright, hashes)


def compute_phashes(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Compute the perceptual hashes of images uint8 [n, 32, 32] together: uint64 [n].

    `imagehash.phash` computes the same of each image alone, which takes a hundred times as long.
    """
    rows, columns = np.mgrid[:_FREQUENCIES, :_PHASH_SIDE]
    cosines = np.cos((2 * columns + 1) * rows * np.pi / (2 * _PHASH_SIDE))
    spectrum = (cosines @ images @ cosines.T).reshape(len(images), -1)
    bits = spectrum > np.median(spectrum, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)


def _shrink(thumbnail: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.fromarray(thumbnail).resize((_PHASH_SIDE, _PHASH_SIDE), Image.Resampling.LANCZOS))


def _find_near_pairs(left: npt.NDArray[np.uint64], right: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    chunks = [np.empty((0, 2), np.int64)]
    for start in range(0, len(left), _CHUNK_SIZE):
        bits = np.bitwise_count(left[start : start + _CHUNK_SIZE, None] ^ right[None, start:])
        pairs = np.argwhere(bits <= MAX_HAMMING_DISTANCE)
        chunks.append(pairs[pairs[:, 0] < pairs[:, 1]] + start)
    return np.concatenate(chunks)
