"""All pairs of pictures that show the same, and in what way they do."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from training.data.duplicates.candidates import candidates
from training.data.duplicates.fingerprint import Fingerprint
from training.data.duplicates.orientations import orientations
from training.data.duplicates.similarity import LEAST, details, likeness


class Sameness(StrEnum):
    """In what way two pictures are the same."""

    FILE = "same file"
    PIXELS = "same pixels"
    COPY = "scaled or encoded copy"
    TURNED = "turned or mirrored copy"
    LESION = "another photograph of the lesion"


@dataclass(frozen=True)
class Pair:
    """Two pictures, by index, that show the same.

    `likeness` is the correlation of their details, 1 where exact; of two photographs of a lesion, the share of the
    matched keypoints that fit.
    """

    first: int
    second: int
    sameness: Sameness
    likeness: float


def find_pairs(prints: Sequence[Fingerprint]) -> list[Pair]:
    """Pairs among `prints`, each once, the smaller index first, in the order of the first."""
    if not prints:
        return []
    # The surest reason of a pair comes first, and stays.
    found: dict[tuple[int, int], Pair] = {}
    for pair in (*_equal(prints, Sameness.FILE), *_equal(prints, Sameness.PIXELS), *_alike(prints)):
        found.setdefault((pair.first, pair.second), pair)
    return [found[key] for key in sorted(found)]


def _equal(prints: Sequence[Fingerprint], sameness: Sameness) -> Iterator[Pair]:
    digest: Callable[[Fingerprint], str] = (
        (lambda one: one.sha256) if sameness is Sameness.FILE else (lambda one: one.pixels)
    )
    places: defaultdict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(prints):
        places[digest(one)].append(index)
    for first, *others in places.values():
        yield from (Pair(first, other, sameness, 1.0) for other in others)


def _alike(prints: Sequence[Fingerprint]) -> Iterator[Pair]:
    detail = details(np.stack([one.small for one in prints]))
    turned = list(orientations(detail))
    for number, pairs in candidates(prints):
        first, second = pairs.T
        for left, right, found in zip(
            first.tolist(), second.tolist(), likeness(detail[first], turned[number][second]).tolist(), strict=True
        ):
            if found >= LEAST:
                yield Pair(left, right, Sameness.TURNED if number else Sameness.COPY, found)
