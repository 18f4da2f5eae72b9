"""No lesion, patient or owner on two sides of a split."""

from collections import defaultdict
from collections.abc import Iterable

from training.data.records.labelled_image import Split
from training.data.records.record import ImageRecord
from training.errors import TrainingError

#: One side of a split: a share, and in sources that are measured out of fold, the fold.
Partition = tuple[Split, int | None]


def check_group_leakage(records: Iterable[ImageRecord]) -> None:
    """Raise `TrainingError` where pictures of one group are in two shares, or in two folds."""
    partitions: defaultdict[str, set[Partition]] = defaultdict(set)
    for record in records:
        partitions[record.group].add((record.split, record.fold))
    leaked = sorted(group for group, found in partitions.items() if len(found) > 1)
    if leaked:
        where = " and ".join(sorted(_format_partition(side) for side in partitions[leaked[0]]))
        more = f", and {len(leaked) - 1} more groups leak" if len(leaked) > 1 else ""
        raise TrainingError(f"pictures of the group {leaked[0]!r} are on two sides of a split, {where}{more}.")


def _format_partition(partition: Partition) -> str:
    split, fold = partition
    return split if fold is None else f"fold {fold} of {split}"
