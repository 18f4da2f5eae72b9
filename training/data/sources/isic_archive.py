"""Reads dermoscopic images and `metadata.csv` in the layout that isic-cli writes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.data.records.csv_table import parse_int, read_rows, require_file
from training.data.records.labelled_image import ImageRecord, Population, Split, Subject
from training.data.records.labels import map_isic_archive_label
from training.data.sources.holdout import is_held_out

ISIC_ARCHIVE: Final = "isic-archive"

_METADATA: Final = "metadata.csv"
_DERMOSCOPIC: Final = "dermoscopic"
#: From the most specific to the most general; `diagnosis` was the only column before 2024.
_DIAGNOSIS_COLUMNS: Final = ("diagnosis", "diagnosis_5", "diagnosis_4", "diagnosis_3", "diagnosis_2")

#: Fitzpatrick's skin types as the archive writes them.
_SKIN_TYPES: Final = {numeral: number for number, numeral in enumerate(("I", "II", "III", "IV", "V", "VI"), 1)}


def read_isic_archive(folder: Path) -> Iterator[ImageRecord]:
    """Read the records of the dermoscopic images in `folder`; none if there is no such folder.

    Other images (taken by cameras, or cut from images of whole bodies) are left out, because they belong to no
    population of the model. A lesion whose diagnosis maps to no label has no label. All images of a patient, or of a
    lesion where the patient is not known, are in the same split.

    Raises:
        TrainingError: As `read_folders` does.
    """
    if not folder.is_dir():
        return
    table = folder / _METADATA
    for row in read_rows(table, ("isic_id", "image_type", "copyright_license")):
        if row["image_type"] != _DERMOSCOPIC:
            continue
        diagnoses = [row[column] for column in _DIAGNOSIS_COLUMNS if row.get(column)]
        group = row.get("patient_id") or row.get("lesion_id") or row["isic_id"]
        yield ImageRecord(
            path=require_file(folder / f"{row['isic_id']}.jpg"),
            subject=Subject.LESION,
            label=map_isic_archive_label(diagnoses),
            source=ISIC_ARCHIVE,
            population=Population.DERMATOSCOPE,
            licence=row["copyright_license"],
            group=group,
            split=Split.VALID if is_held_out(group) else Split.TRAIN,
            diagnosis=diagnoses[0] if diagnoses else "",
            age=parse_int(table, row.get("age_approx", "")),
            sex=row.get("sex", ""),
            skin_type=_SKIN_TYPES.get(row.get("fitzpatrick_skin_type", "")),
        )
