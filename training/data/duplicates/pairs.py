"""All pairs of pictures that show the same, and in what way they do."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from training.data.duplicates.candidates import find_candidates
from training.data.duplicates.fingerprint import Fingerprint
from training.data.duplicates.orientations import generate_orientations
from training.data.duplicates.similarity import MIN_SIMILARITY, compute_similarity, extract_details


class MatchType(StrEnum):
    """In what way two pictures are the same."""

    FILE = "same file"
    PIXELS = "same pixels"
    COPY = "scaled or encoded copy"
    TURNED = "turned or mirrored copy"
    LESION = "another photograph of the lesion"


@dataclass(frozen=True)
class ImagePair:
    """Two pictures, by index, that show the same.

    `likeness` is the correlation of their details, 1 where exact; of two photographs of a lesion, the share of the
    matched keypoints that fit.
    """

    first: int
    second: int
    match_type: MatchType
    similarity: float


def find_pairs(fingerprints: Sequence[Fingerprint]) -> list[ImagePair]:
    """Pairs among `prints`, each once, the smaller index first, in the order of the first."""
    if not fingerprints:
        return []
    # The surest reason of a pair comes first, and stays.
    found: dict[tuple[int, int], ImagePair] = {}
    for pair in (
        *_equal(fingerprints, MatchType.FILE),
        *_equal(fingerprints, MatchType.PIXELS),
        *_find_copies(fingerprints),
    ):
        found.setdefault((pair.first, pair.second), pair)
    return [found[key] for key in sorted(found)]


def _equal(prints: Sequence[Fingerprint], sameness: MatchType) -> Iterator[ImagePair]:
    digest: Callable[[Fingerprint], str] = (
        (lambda one: one.sha256) if sameness is MatchType.FILE else (lambda one: one.pixels_sha256)
    )
    places: defaultdict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(prints):
        places[digest(one)].append(index)
    for first, *others in places.values():
        yield from (ImagePair(first, other, sameness, 1.0) for other in others)


def _find_copies(prints: Sequence[Fingerprint]) -> Iterator[ImagePair]:
    detail = extract_details(np.stack([one.thumbnail for one in prints]))
    turned = list(generate_orientations(detail))
    for number, pairs in find_candidates(prints):
        first, second = pairs.T
        for left, right, found in zip(
            first.tolist(),
            second.tolist(),
            compute_similarity(detail[first], turned[number][second]).tolist(),
            strict=True,
        ):
            if found >= MIN_SIMILARITY:
                yield ImagePair(left, right, MatchType.TURNED if number else MatchType.COPY, found)
