"""Reads images taken by phones: the lesions of PAD-UFES-20, and images of no lesion."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.data.records.csv_table import (
    MANIFEST_NAME,
    parse_float,
    parse_int,
    read_rows,
    require_file,
    unknown_value_error,
)
from training.data.records.labelled_image import ImageRecord, Population, Split, Subject
from training.data.records.labels import map_pad_ufes_20_label
from training.data.sources.holdout import is_held_out

PAD_UFES_20: Final = "pad_ufes_20"
#: Folder of all phone images.
PHONE_FOLDER: Final = "phone"

SIGN_DIGITS_HANDS: Final = "sign_digits_hands"
_SUBJECTS: Final = {
    PAD_UFES_20: Subject.LESION,
    "pad_skin_patch": Subject.SKIN,
    SIGN_DIGITS_HANDS: Subject.HAND,
    "imagenet_sample": Subject.THING,
}


def read_phone_folder(folder: Path) -> Iterator[ImageRecord]:
    """Read the records of the images in `folder`; none if there is no such folder.

    Images with a fold are trained on and measured out of fold. Of the others, half of the owners are held out. A source
    of images of no lesion that is not known here needs the column `shows`: skin, hand or thing.

    Raises:
        TrainingError: As `read_folders` does.
    """
    if not folder.is_dir():
        return
    table = folder / MANIFEST_NAME
    for row in read_rows(table, ("file", "source", "group_id")):
        subject = _find_subject(table, row)
        try:
            label = map_pad_ufes_20_label(row.get("diagnosis", "")) if subject is Subject.LESION else None
        except KeyError as error:
            raise unknown_value_error(table, error.args[0]) from error
        group = row["group_id"] or row["file"]
        fold = parse_int(table, row.get("fold", ""))
        yield ImageRecord(
            path=require_file(folder / row["file"]),
            subject=subject,
            label=label,
            source=row["source"],
            population=Population.PHONE,
            licence=row.get("licence", ""),
            group=group,
            split=Split.TEST if fold is None and is_in_held_out_half(group) else Split.TRAIN,
            fold=fold,
            diagnosis=row.get("diagnosis", "") if subject is Subject.LESION else "",
            age=parse_int(table, row.get("age", "")),
            sex=row.get("sex", ""),
            skin_type=parse_int(table, row.get("fitzpatrick", "")),
            pen=parse_float(table, row.get("pen_frac", "")),
        )


def _find_subject(table: Path, row: dict[str, str]) -> Subject:
    if row["source"] in _SUBJECTS:
        return _SUBJECTS[row["source"]]
    if not row.get("shows"):
        raise unknown_value_error(table, row["source"])
    try:
        subject = Subject(row["shows"])
    except ValueError as error:
        raise unknown_value_error(table, row["shows"]) from error
    if subject is Subject.LESION:
        raise unknown_value_error(table, row["source"])
    return subject


def is_in_held_out_half(group: str) -> bool:
    """Return whether a patient or owner is in the half whose images of no lesion only measure the kind classifier."""
    return is_held_out(group, fraction=0.5)
