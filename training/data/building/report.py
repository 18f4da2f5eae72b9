"""What was built: how many pictures of what, and each one that was dropped, with the reason."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from training.data.duplicates.deduplication import Dropped, Resolved
from training.data.manifest import format_path
from training.data.records.labels import LABEL_NAMES
from training.data.records.record import ImageRecord

REPORT: Final = "report.json"
DROPPED: Final = "dropped.csv"


class Count(BaseModel):
    """Pictures that stay, of one source, share and class."""

    source: str
    population: str
    licence: str
    share: str
    label: str
    pictures: int


class Loss(BaseModel):
    """A picture that was dropped, and the one that stays instead of it."""

    file: str
    kept: str
    reason: str
    likeness: float | None
    share: str
    kept_share: str
    label: str
    kept_label: str

    @property
    def contradicts(self) -> bool:
        """Whether the two show the same and are labelled differently: one of the labels is wrong."""
        return self.likeness is not None and "" not in (self.label, self.kept_label) and self.label != self.kept_label


class Report(BaseModel):
    """What `melanoma-data build` found."""

    data: str
    kept: int
    counts: list[Count]
    dropped: list[Loss]

    @classmethod
    def of(cls, data: Path, out: Path, resolved: Resolved) -> "Report":
        """The report for a manifest in the folder `out`."""
        return cls(
            data=str(data),
            kept=len(resolved.kept),
            counts=_counts(list(resolved.kept.values())),
            dropped=[_loss(out, dropped) for dropped in resolved.dropped],
        )

    def write(self, folder: Path) -> None:
        """Write `report.json`, and what was dropped once more as `dropped.csv`."""
        (folder / REPORT).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        with (folder / DROPPED).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(Loss.model_fields))
            writer.writeheader()
            writer.writerows(loss.model_dump() for loss in self.dropped)


def shown_class(record: ImageRecord) -> str:
    """The model's label of a lesion, `unknown` for one without, and otherwise what the picture shows."""
    if record.label is not None:
        return LABEL_NAMES[record.label]
    return "unknown" if record.subject == "lesion" else record.subject


def _counts(records: Sequence[ImageRecord]) -> list[Count]:
    kinds = [(one.source, one.population, one.licence, _side(one), shown_class(one)) for one in records]
    return [
        Count(source=kind[0], population=kind[1], licence=kind[2], share=kind[3], label=kind[4], pictures=images)
        for kind, images in sorted(Counter(kinds).items())
    ]


def _side(record: ImageRecord) -> str:
    return record.split if record.fold is None else f"fold {record.fold}"


def _loss(out: Path, dropped: Dropped) -> Loss:
    return Loss(
        file=format_path(out, dropped.record.path),
        kept=format_path(out, dropped.kept.path),
        reason=dropped.reason,
        likeness=None if dropped.likeness is None else round(dropped.likeness, 3),
        share=dropped.record.split,
        kept_share=dropped.kept.split,
        label=shown_class(dropped.record),
        kept_label=shown_class(dropped.kept),
    )
