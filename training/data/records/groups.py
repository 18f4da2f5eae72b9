"""No lesion, patient or owner on two sides of a split."""

from collections import defaultdict
from collections.abc import Iterable

from training.data.records.labelled_image import Share
from training.data.records.record import Record
from training.errors import TrainingError

#: One side of a split: a share, and in sources that are measured out of fold, the fold.
Side = tuple[Share, int | None]


def refuse_leaks(records: Iterable[Record]) -> None:
    """Raise `TrainingError` where pictures of one group are in two shares, or in two folds."""
    sides: defaultdict[str, set[Side]] = defaultdict(set)
    for record in records:
        sides[record.group].add((record.share, record.fold))
    leaked = sorted(group for group, found in sides.items() if len(found) > 1)
    if leaked:
        where = " and ".join(sorted(_named(side) for side in sides[leaked[0]]))
        more = f", and {len(leaked) - 1} more groups leak" if len(leaked) > 1 else ""
        raise TrainingError(f"pictures of the group {leaked[0]!r} are on two sides of a split, {where}{more}.")


def _named(side: Side) -> str:
    share, fold = side
    return share if fold is None else f"fold {fold} of {share}"
