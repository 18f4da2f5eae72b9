"""Which pictures stay when some show the same: nothing of a test lesion is in training, and nothing is there twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from training.data.duplicates.pairs import ImagePair, MatchType
from training.data.records.labelled_image import Split
from training.data.records.record import ImageRecord

#: What a model is measured by goes before what it learns from.
_PRECEDENCE: Final = (Split.TEST, Split.VALID, Split.TRAIN)


@dataclass(frozen=True)
class DroppedImage:
    """A picture that is not used and why, and the one that stays; `likeness` where the two show the same."""

    record: ImageRecord
    kept: ImageRecord
    reason: str
    similarity: float | None


@dataclass(frozen=True)
class DeduplicationResult:
    """The pictures that stay, by index and with their final group and fold, and those that do not."""

    kept: dict[int, ImageRecord]
    dropped: list[DroppedImage]


def deduplicate(
    records: Sequence[ImageRecord], pixels: Sequence[int], pairs: Sequence[ImagePair]
) -> DeduplicationResult:
    """Join the groups of pictures that show the same, and drop what is on the wrong side or there twice.

    Of a group on several sides, what is in the test stays, then what is in validation; a group in several folds is
    moved into one. Of copies on one side, a labelled one stays, then the one of most `pixels`, then the first;
    photographs of one lesion are no copies, and stay together.
    """
    partners: defaultdict[int, dict[int, ImagePair]] = defaultdict(dict)
    for pair in pairs:
        partners[pair.first][pair.second] = partners[pair.second][pair.first] = pair
    kept: dict[int, ImageRecord] = {}
    dropped: list[DroppedImage] = []
    for members in _merge_groups(records, pairs):
        side = min(_rank(records[index]) for index in members)
        right = [index for index in members if _rank(records[index]) == side]
        final = {index: replace(records[index], group=records[members[0]].group) for index in members}
        final |= {index: replace(final[index], fold=records[right[0]].fold) for index in right}
        right.sort(key=lambda index: (records[index].label is None, -pixels[index], index))
        for index in right:
            twin = next(
                (
                    pair
                    for other, pair in partners[index].items()
                    if other in kept and pair.match_type is not MatchType.LESION
                ),
                None,
            )
            if twin is None:
                kept[index] = final[index]
            else:
                other = twin.first + twin.second - index
                dropped.append(
                    DroppedImage(final[index], final[other], f"{twin.match_type}, there twice", twin.similarity)
                )
        wrong = [index for index in members if index not in right]
        dropped += [_drop_across_splits(final, index, partners[index], kept, right[0]) for index in wrong]
    return DeduplicationResult(dict(sorted(kept.items())), dropped)


def _drop_across_splits(
    final: dict[int, ImageRecord], index: int, pairs: dict[int, ImagePair], kept: dict[int, ImageRecord], instead: int
) -> DroppedImage:
    other = next((other for other in pairs if other in kept), None)
    if other is None:
        stays = final[instead]
        return DroppedImage(final[index], stays, f"same lesion or patient as one in {stays.split}", None)
    stays = final[other]
    return DroppedImage(
        final[index], stays, f"{pairs[other].match_type} of one in {stays.split}", pairs[other].similarity
    )


def _rank(record: ImageRecord) -> tuple[int, bool]:
    return _PRECEDENCE.index(record.split), record.fold is None


def _merge_groups(records: Sequence[ImageRecord], pairs: Sequence[ImagePair]) -> Iterator[list[int]]:
    """Indices of the pictures of each group, where groups that share a picture are one."""
    numbers = {group: number for number, group in enumerate(dict.fromkeys(record.group for record in records))}
    ends = np.array(
        [[numbers[records[index].group] for index in (pair.first, pair.second)] for pair in pairs], np.int64
    ).reshape(-1, 2)
    joined = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(numbers), len(numbers)))
    _, of = connected_components(joined, directed=False)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        members[of[numbers[record.group]]].append(index)
    yield from members.values()
