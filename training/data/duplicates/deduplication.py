"""Which pictures stay when some show the same: nothing of a test lesion is in training, and nothing is there twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from training.data.duplicates.pairs import Pair, Sameness
from training.data.records.labelled_image import Split
from training.data.records.record import ImageRecord

#: What a model is measured by goes before what it learns from.
_BEFORE: Final = (Split.TEST, Split.VALID, Split.TRAIN)


@dataclass(frozen=True)
class Dropped:
    """A picture that is not used and why, and the one that stays; `likeness` where the two show the same."""

    record: ImageRecord
    kept: ImageRecord
    reason: str
    likeness: float | None


@dataclass(frozen=True)
class Resolved:
    """The pictures that stay, by index and with their final group and fold, and those that do not."""

    kept: dict[int, ImageRecord]
    dropped: list[Dropped]


def resolve(records: Sequence[ImageRecord], pixels: Sequence[int], pairs: Sequence[Pair]) -> Resolved:
    """Join the groups of pictures that show the same, and drop what is on the wrong side or there twice.

    Of a group on several sides, what is in the test stays, then what is in validation; a group in several folds is
    moved into one. Of copies on one side, a labelled one stays, then the one of most `pixels`, then the first;
    photographs of one lesion are no copies, and stay together.
    """
    partners: defaultdict[int, dict[int, Pair]] = defaultdict(dict)
    for pair in pairs:
        partners[pair.first][pair.second] = partners[pair.second][pair.first] = pair
    kept: dict[int, ImageRecord] = {}
    dropped: list[Dropped] = []
    for members in _groups(records, pairs):
        side = min(_strength(records[index]) for index in members)
        right = [index for index in members if _strength(records[index]) == side]
        final = {index: replace(records[index], group=records[members[0]].group) for index in members}
        final |= {index: replace(final[index], fold=records[right[0]].fold) for index in right}
        right.sort(key=lambda index: (records[index].label is None, -pixels[index], index))
        for index in right:
            twin = next(
                (
                    pair
                    for other, pair in partners[index].items()
                    if other in kept and pair.sameness is not Sameness.LESION
                ),
                None,
            )
            if twin is None:
                kept[index] = final[index]
            else:
                other = twin.first + twin.second - index
                dropped.append(Dropped(final[index], final[other], f"{twin.sameness}, there twice", twin.likeness))
        wrong = [index for index in members if index not in right]
        dropped += [_across(final, index, partners[index], kept, right[0]) for index in wrong]
    return Resolved(dict(sorted(kept.items())), dropped)


def _across(
    final: dict[int, ImageRecord], index: int, pairs: dict[int, Pair], kept: dict[int, ImageRecord], instead: int
) -> Dropped:
    other = next((other for other in pairs if other in kept), None)
    if other is None:
        stays = final[instead]
        return Dropped(final[index], stays, f"same lesion or patient as one in {stays.split}", None)
    stays = final[other]
    return Dropped(final[index], stays, f"{pairs[other].sameness} of one in {stays.split}", pairs[other].likeness)


def _strength(record: ImageRecord) -> tuple[int, bool]:
    return _BEFORE.index(record.split), record.fold is None


def _groups(records: Sequence[ImageRecord], pairs: Sequence[Pair]) -> Iterator[list[int]]:
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
