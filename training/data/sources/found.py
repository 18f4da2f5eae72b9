"""Reads further dermatoscope images of several clinics, collected in one folder with one table.

The sources in it are `ham_more` (more lesions of HAM10000's clinics), `bcn` and `bcn_84` (BCN20000, the second one at
84 pixels) and `siim2020` (SIIM-ISIC 2020).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.data.records.csv_table import MANIFEST_NAME, parse_int, read_rows, require_file, unknown_value_error
from training.data.records.labelled_image import ImageRecord, Population, Split, Subject
from training.data.records.labels import map_found_label
from training.data.sources.holdout import is_held_out

#: Folder of these sources.
FOUND_FOLDER: Final = "found"
HAM_MORE: Final = "ham_more"
BCN: Final = "bcn"
BCN_84: Final = "bcn_84"
SIIM2020: Final = "siim2020"
FOUND_SOURCES: Final = (HAM_MORE, BCN, BCN_84, SIIM2020)

# SIIM-ISIC 2020 says of most lesions that they are benign and no more; nearly all of those are moles. The `diagnosis`
# of such a record remains "unknown".

#: All four collections are under it.
_LICENCE: Final = "CC BY-NC 4.0"
#: Note of the images that are kept although the same image is there at a higher resolution.
_COPY_NOTE: Final = "low-resolution copy"


def read_found(folder: Path) -> Iterator[ImageRecord]:
    """Read the records of the images `<source>/<file>` in `folder`; none if there is no such folder.

    A fraction of the lesions is held out, chosen by the lesion's name, so that a lesion that two sources show is on one
    side of the split. Where the source names no lesion, each image counts as one.

    Raises:
        TrainingError: As `read_folders` does.
    """
    if not folder.is_dir():
        return
    table = folder / MANIFEST_NAME
    for row in read_rows(table, ("source", "file", "melanoma", "dx", "lesion_id")):
        if row["source"] not in FOUND_SOURCES:
            raise unknown_value_error(table, row["source"])
        try:
            label = map_found_label(row["dx"], row["melanoma"], unknown_is_mole=row["source"] == SIIM2020)
        except KeyError as error:
            raise unknown_value_error(table, error.args[0]) from error
        group = row["lesion_id"] or f"{row['source']}/{row['file']}"
        yield ImageRecord(
            path=require_file(folder / row["source"] / row["file"]),
            subject=Subject.LESION,
            label=label,
            source=row["source"],
            population=Population.DERMATOSCOPE,
            licence=_LICENCE,
            group=group,
            split=Split.VALID if is_held_out(group) else Split.TRAIN,
            diagnosis=row["dx"],
            age=parse_int(table, row.get("age", "")),
            sex=row.get("sex", ""),
            is_wanted_copy=row.get("note", "").startswith(_COPY_NOTE),
        )
