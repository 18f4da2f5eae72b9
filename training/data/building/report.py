"""The report of a build: counts of the images that were kept, and each dropped image with its reason."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from training.data.duplicates.deduplication import DeduplicationResult, DroppedImage
from training.data.manifest import format_path
from training.data.records.labelled_image import ImageRecord
from training.data.records.labels import LABEL_NAMES

REPORT_NAME: Final = "report.json"
DROPPED_NAME: Final = "dropped.csv"


class ClassCount(BaseModel):
    """Number of kept images of one source, split and class."""

    source: str
    population: str
    licence: str
    share: str
    label: str
    pictures: int


class DroppedEntry(BaseModel):
    """A dropped image and the image that is kept in its place."""

    file: str
    kept: str
    reason: str
    similarity: float | None
    share: str
    kept_share: str
    label: str
    kept_label: str

    @property
    def has_conflicting_labels(self) -> bool:
        """True if the two images show one lesion under different labels, so that one label is wrong."""
        return self.similarity is not None and "" not in (self.label, self.kept_label) and self.label != self.kept_label


class BuildReport(BaseModel):
    """The report of `melanoma-data build`, written as `report.json` and `dropped.csv`."""

    data: str
    kept: int
    counts: list[ClassCount]
    dropped: list[DroppedEntry]

    @classmethod
    def from_result(cls, data: Path, out: Path, result: DeduplicationResult) -> "BuildReport":
        """Create the report of a manifest in the folder `out`."""
        return cls(
            data=str(data),
            kept=len(result.kept),
            counts=_count_classes(list(result.kept.values())),
            dropped=[_make_entry(out, dropped) for dropped in result.dropped],
        )

    def write(self, folder: Path) -> None:
        """Write `report.json`, and the dropped images again as `dropped.csv`."""
        (folder / REPORT_NAME).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        with (folder / DROPPED_NAME).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(DroppedEntry.model_fields))
            writer.writeheader()
            writer.writerows(entry.model_dump() for entry in self.dropped)


def get_class_name(record: ImageRecord) -> str:
    """Return the label of a lesion, `unknown` for a lesion without one, or what the image shows otherwise."""
    if record.label is not None:
        return LABEL_NAMES[record.label]
    return "unknown" if record.subject == "lesion" else record.subject


def _count_classes(records: Sequence[ImageRecord]) -> list[ClassCount]:
    classes = [
        (record.source, record.population, record.licence, _format_split(record), get_class_name(record))
        for record in records
    ]
    return [
        ClassCount(source=source, population=population, licence=licence, share=split, label=label, pictures=count)
        for (source, population, licence, split, label), count in sorted(Counter(classes).items())
    ]


def _format_split(record: ImageRecord) -> str:
    return record.split if record.fold is None else f"fold {record.fold}"


def _make_entry(out: Path, dropped: DroppedImage) -> DroppedEntry:
    return DroppedEntry(
        file=format_path(out, dropped.record.path),
        kept=format_path(out, dropped.kept.path),
        reason=dropped.reason,
        similarity=None if dropped.similarity is None else round(dropped.similarity, 3),
        share=dropped.record.split,
        kept_share=dropped.kept.split,
        label=get_class_name(dropped.record),
        kept_label=get_class_name(dropped.kept),
    )
