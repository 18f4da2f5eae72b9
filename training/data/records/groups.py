"""Checks that no lesion, patient or owner is on two sides of a split."""

from collections import defaultdict
from collections.abc import Iterable

from training.data.records.labelled_image import ImageRecord, Split
from training.errors import TrainingError

#: One side of a split: train, valid or test, and the fold in sources that are measured out of fold.
Partition = tuple[Split, int | None]


def check_group_leakage(records: Iterable[ImageRecord]) -> None:
    """Raise `TrainingError` if images of one group are in two splits or in two folds."""
    partitions: defaultdict[str, set[Partition]] = defaultdict(set)
    for record in records:
        partitions[record.group].add((record.split, record.fold))
    leaked = sorted(group for group, members in partitions.items() if len(members) > 1)
    if leaked:
        sides = " and ".join(sorted(_format_partition(partition) for partition in partitions[leaked[0]]))
        more = f", and {len(leaked) - 1} more groups leak" if len(leaked) > 1 else ""
        raise TrainingError(f"pictures of the group {leaked[0]!r} are on two sides of a split, {sides}{more}.")


def _format_partition(partition: Partition) -> str:
    split, fold = partition
    return split if fold is None else f"fold {fold} of {split}"
