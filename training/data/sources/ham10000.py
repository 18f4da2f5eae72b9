"""HAM10000: lesions by their names, a part of which is held out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.data.records.csv_table import MANIFEST, number, rows, there, unknown
from training.data.records.labelled_image import Population, Share
from training.data.records.labels import ham10000_label
from training.data.records.record import Record, Shows
from training.data.sources.holdout import held_out

HAM10000: Final = "ham10000"
LICENCE: Final = "CC BY-NC 4.0"


def ham10000(folder: Path) -> Iterator[Record]:
    """Records of the pictures of `folder`. Raises `TrainingError` as `read_pictures` does."""
    table = folder / MANIFEST
    for row in rows(table, ("file", "dx", "lesion_id")):
        try:
            label = ham10000_label(row["dx"])
        except KeyError as error:
            raise unknown(table, error.args[0]) from error
        yield Record(
            path=there(folder / row["file"]),
            shows=Shows.LESION,
            label=label,
            source=HAM10000,
            population=Population.DERMATOSCOPE,
            licence=LICENCE,
            group=row["lesion_id"],
            share=Share.VALID if held_out(row["lesion_id"]) else Share.TRAIN,
            diagnosis=row["dx"],
            age=number(table, row.get("age", "")),
            sex=row.get("sex", ""),
        )
