"""Reads HAM10000: a fraction of its lesions is held out for validation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.data.records.csv_table import MANIFEST_NAME, parse_int, read_rows, require_file, unknown_value_error
from training.data.records.labelled_image import ImageRecord, Population, Split, Subject
from training.data.records.labels import map_ham10000_label
from training.data.sources.holdout import is_held_out

HAM10000: Final = "ham10000"
LICENCE: Final = "CC BY-NC 4.0"


def read_ham10000(folder: Path) -> Iterator[ImageRecord]:
    """Read the records of the images in `folder`. Raises `TrainingError` as `read_folders` does."""
    table = folder / MANIFEST_NAME
    for row in read_rows(table, ("file", "dx", "lesion_id")):
        try:
            label = map_ham10000_label(row["dx"])
        except KeyError as error:
            raise unknown_value_error(table, error.args[0]) from error
        yield ImageRecord(
            path=require_file(folder / row["file"]),
            subject=Subject.LESION,
            label=label,
            source=HAM10000,
            population=Population.DERMATOSCOPE,
            licence=LICENCE,
            group=row["lesion_id"],
            split=Split.VALID if is_held_out(row["lesion_id"]) else Split.TRAIN,
            diagnosis=row["dx"],
            age=parse_int(table, row.get("age", "")),
            sex=row.get("sex", ""),
        )
