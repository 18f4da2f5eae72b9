"""The ISIC archive, as its own client lays it out: dermatoscope pictures and their `metadata.csv`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.data.records.csv_table import parse_int, read_rows, require_file
from training.data.records.labelled_image import Population, Split
from training.data.records.labels import map_isic_archive_label
from training.data.records.record import ImageRecord, Subject
from training.data.sources.holdout import is_held_out

ISIC_ARCHIVE: Final = "isic-archive"

_METADATA: Final = "metadata.csv"
_DERMOSCOPIC: Final = "dermoscopic"
#: From the most special to the most general; the first was the only one before 2024.
_DIAGNOSIS_COLUMNS: Final = ("diagnosis", "diagnosis_5", "diagnosis_4", "diagnosis_3", "diagnosis_2")

#: Fitzpatrick's, as the archive writes them.
_SKIN_TYPES: Final = {name: place for place, name in enumerate(("I", "II", "III", "IV", "V", "VI"), 1)}


def read_isic_archive(folder: Path) -> Iterator[ImageRecord]:
    """Records of the dermatoscope's pictures of `folder`, none where it is not there.

    Other pictures (by cameras, or cut from those of whole bodies) are left out: no population of the model is theirs.
    A lesion whose diagnosis no label means has none. A patient's pictures, or a lesion's, are on one side. Raises
    `TrainingError` as `read_pictures` does.
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
