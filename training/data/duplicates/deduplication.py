"""Decides which images are kept among copies and photographs of one lesion: none twice, and none across a split."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from training.data.duplicates.pairs import ImagePair, MatchType
from training.data.records.labelled_image import ImageRecord, Split

#: If a group spans a split, images that measure the model are kept rather than those that train it.
_PRECEDENCE: Final = (Split.TEST, Split.VALID, Split.TRAIN)


@dataclass(frozen=True)
class DroppedImage:
    """An image that is not used, the reason, and the image kept in its place. `similarity` is None for no pair."""

    record: ImageRecord
    kept: ImageRecord
    reason: str
    similarity: float | None


@dataclass(frozen=True)
class DeduplicationResult:
    """The kept images, by index and with their final group and fold, and the dropped ones."""

    kept: dict[int, ImageRecord]
    dropped: list[DroppedImage]


def deduplicate(
    records: Sequence[ImageRecord], pixel_counts: Sequence[int], pairs: Sequence[ImagePair]
) -> DeduplicationResult:
    """Merge the groups that a pair connects, and drop copies and images on the wrong side of a split.

    If a group spans a split, its test images are kept, else its validation images, else those that have a fold. A group
    in several folds is moved into one. Among copies on one side a labelled image is kept, then the larger, then the
    first. Photographs of one lesion are no copies: those on one side are all kept. So are wanted copies.

    Args:
        records: All images.
        pixel_counts: Number of pixels of each image.
        pairs: Pairs of images that are copies or show the same lesion.
    """
    partners: defaultdict[int, dict[int, ImagePair]] = defaultdict(dict)
    for pair in pairs:
        partners[pair.first][pair.second] = partners[pair.second][pair.first] = pair
    kept: dict[int, ImageRecord] = {}
    dropped: list[DroppedImage] = []
    for members in _merge_groups(records, pairs):
        best_rank = min(_rank(records[index]) for index in members)
        right_side = [index for index in members if _rank(records[index]) == best_rank]
        wrong_side = [index for index in members if _rank(records[index]) != best_rank]
        final = {index: replace(records[index], group=records[members[0]].group) for index in members}
        final |= {index: replace(final[index], fold=records[right_side[0]].fold) for index in right_side}
        right_side.sort(key=lambda index: (records[index].label is None, -pixel_counts[index], index))
        for index in right_side:
            copied = None if records[index].is_wanted_copy else _find_kept_copy(partners[index], kept)
            if copied is None:
                kept[index] = final[index]
            else:
                other, pair = copied
                reason = f"{pair.match_type}, there twice"
                dropped.append(DroppedImage(final[index], final[other], reason, pair.similarity))
        dropped += [_drop_across_splits(final, index, partners[index], kept, right_side[0]) for index in wrong_side]
    return DeduplicationResult(dict(sorted(kept.items())), dropped)


def _find_kept_copy(pairs: dict[int, ImagePair], kept: dict[int, ImageRecord]) -> tuple[int, ImagePair] | None:
    for other, pair in pairs.items():
        if other in kept and pair.match_type is not MatchType.LESION:
            return other, pair
    return None


def _drop_across_splits(
    final: dict[int, ImageRecord], index: int, pairs: dict[int, ImagePair], kept: dict[int, ImageRecord], default: int
) -> DroppedImage:
    """Drop an image in favour of a kept image that a pair connects with it, or of the image `default` of its group."""
    other = next((other for other in pairs if other in kept), None)
    if other is None:
        in_place = final[default]
        return DroppedImage(final[index], in_place, f"same lesion or patient as one in {in_place.split}", None)
    in_place, pair = final[other], pairs[other]
    return DroppedImage(final[index], in_place, f"{pair.match_type} of one in {in_place.split}", pair.similarity)


def _rank(record: ImageRecord) -> tuple[int, bool]:
    return _PRECEDENCE.index(record.split), record.fold is None


def _merge_groups(records: Sequence[ImageRecord], pairs: Sequence[ImagePair]) -> Iterator[list[int]]:
    """Yield the indices of the images of each group, after merging the groups that a pair connects."""
    numbers = {group: number for number, group in enumerate(dict.fromkeys(record.group for record in records))}
    edges = np.array(
        [[numbers[records[index].group] for index in (pair.first, pair.second)] for pair in pairs], np.int64
    ).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(numbers), len(numbers)))
    _, components = connected_components(graph, directed=False)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        members[components[numbers[record.group]]].append(index)
    yield from members.values()
