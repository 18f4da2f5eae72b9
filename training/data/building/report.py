"""What was built: how many pictures of what, and each one that was dropped, with the reason."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from training.data.duplicates.deduplication import DeduplicationResult, DroppedImage
from training.data.manifest import format_path
from training.data.records.labels import LABEL_NAMES
from training.data.records.record import ImageRecord

REPORT_NAME: Final = "report.json"
DROPPED_NAME: Final = "dropped.csv"


class ClassCount(BaseModel):
    """Pictures that stay, of one source, share and class."""

    source: str
    population: str
    licence: str
    share: str
    label: str
    pictures: int


class DroppedEntry(BaseModel):
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
    def has_conflicting_labels(self) -> bool:
        """Whether the two show the same and are labelled differently: one of the labels is wrong."""
        return self.likeness is not None and "" not in (self.label, self.kept_label) and self.label != self.kept_label


class BuildReport(BaseModel):
    """What `melanoma-data build` found."""

    data: str
    kept: int
    counts: list[ClassCount]
    dropped: list[DroppedEntry]

    @classmethod
    def from_result(cls, data: Path, out: Path, resolved: DeduplicationResult) -> "BuildReport":
        """The report for a manifest in the folder `out`."""
        return cls(
            data=str(data),
            kept=len(resolved.kept),
            counts=_count_classes(list(resolved.kept.values())),
            dropped=[_make_entry(out, dropped) for dropped in resolved.dropped],
        )

    def write(self, folder: Path) -> None:
        """Write `report.json`, and what was dropped once more as `dropped.csv`."""
        (folder / REPORT_NAME).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        with (folder / DROPPED_NAME).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(DroppedEntry.model_fields))
            writer.writeheader()
            writer.writerows(loss.model_dump() for loss in self.dropped)


def get_class_name(record: ImageRecord) -> str:
    """The model's label of a lesion, `unknown` for one without, and otherwise what the picture shows."""
    if record.label is not None:
        return LABEL_NAMES[record.label]
    return "unknown" if record.subject == "lesion" else record.subject


def _count_classes(records: Sequence[ImageRecord]) -> list[ClassCount]:
    kinds = [(one.source, one.population, one.licence, _format_split(one), get_class_name(one)) for one in records]
    return [
        ClassCount(source=kind[0], population=kind[1], licence=kind[2], share=kind[3], label=kind[4], pictures=images)
        for kind, images in sorted(Counter(kinds).items())
    ]


def _format_split(record: ImageRecord) -> str:
    return record.split if record.fold is None else f"fold {record.fold}"


def _make_entry(out: Path, dropped: DroppedImage) -> DroppedEntry:
    return DroppedEntry(
        file=format_path(out, dropped.record.path),
        kept=format_path(out, dropped.kept.path),
        reason=dropped.reason,
        likeness=None if dropped.similarity is None else round(dropped.similarity, 3),
        share=dropped.record.split,
        kept_share=dropped.kept.split,
        label=get_class_name(dropped.record),
        kept_label=get_class_name(dropped.kept),
    )
