"""Finds all pairs of images that are equal or copies of each other."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from training.data.duplicates.candidates import find_candidates
from training.data.duplicates.fingerprint import Fingerprint
from training.data.duplicates.orientations import generate_orientations
from training.data.duplicates.similarity import MIN_SIMILARITY, compute_similarity, extract_details

#: Pairs whose details are compared at once: a chance match of hashes is frequent among many images, and the details of
#: a pair take 32 kB.
_CHUNK_SIZE: Final = 4096


class MatchType(StrEnum):
    """Relation of two images that are copies or show the same lesion."""

    FILE = "same file"
    PIXELS = "same pixels"
    COPY = "scaled or encoded copy"
    TURNED = "turned or mirrored copy"
    LESION = "another photograph of the lesion"


@dataclass(frozen=True)
class ImagePair:
    """Two images, by index, that are copies or show the same lesion.

    `similarity` is the correlation of their details, 1 for equal files or pixels. For two photographs of a lesion it is
    the fraction of the matched keypoints that fit.
    """

    first: int
    second: int
    match_type: MatchType
    similarity: float


def find_pairs(fingerprints: Sequence[Fingerprint]) -> list[ImagePair]:
    """Find equal images and copies among `fingerprints`.

    Returns:
        Each pair once, with the smaller index first, sorted by both indices.
    """
    if not fingerprints:
        return []
    # The first match of a pair is kept, so the most certain type comes first.
    pairs: dict[tuple[int, int], ImagePair] = {}
    for pair in (
        *_find_equal([fingerprint.sha256 for fingerprint in fingerprints], MatchType.FILE),
        *_find_equal([fingerprint.pixels_sha256 for fingerprint in fingerprints], MatchType.PIXELS),
        *_find_copies(fingerprints),
    ):
        pairs.setdefault((pair.first, pair.second), pair)
    return [pairs[key] for key in sorted(pairs)]


def _find_equal(digests: Sequence[str], match_type: MatchType) -> Iterator[ImagePair]:
    indices: defaultdict[str, list[int]] = defaultdict(list)
    for index, digest in enumerate(digests):
        indices[digest].append(index)
    for first, *others in indices.values():
        yield from (ImagePair(first, other, match_type, 1.0) for other in others)


def _find_copies(fingerprints: Sequence[Fingerprint]) -> Iterator[ImagePair]:
    details = extract_details(np.stack([fingerprint.thumbnail for fingerprint in fingerprints]))
    turned_details = list(generate_orientations(details))
    for orientation, candidates in find_candidates(fingerprints):
        match_type = MatchType.TURNED if orientation else MatchType.COPY
        for start in range(0, len(candidates), _CHUNK_SIZE):
            first, second = candidates[start : start + _CHUNK_SIZE].T
            similarities = compute_similarity(details[first], turned_details[orientation][second])
            for left, right, similarity in zip(first.tolist(), second.tolist(), similarities.tolist(), strict=True):
                if similarity >= MIN_SIMILARITY:
                    yield ImagePair(left, right, match_type, similarity)
