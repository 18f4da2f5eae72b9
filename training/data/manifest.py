"""Reads and writes the manifest of `melanoma-data build`: one line for each image that may be used.

The path of an image in the manifest's folder is relative to that folder; every other path is absolute.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from training.data.duplicates.fingerprint import Fingerprint
from training.data.records.csv_table import (
    MANIFEST_NAME,
    parse_float,
    parse_int,
    read_rows,
    require_file,
    unknown_value_error,
    write_rows,
)
from training.data.records.groups import check_group_leakage
from training.data.records.labelled_image import ImageRecord, Population, Split, Subject
from training.data.records.labels import LABEL_NAMES
from training.errors import TrainingError

#: Name and content of each column. A cell whose value is not known is empty.
COLUMNS: Final = {
    "file": "path of the picture",
    "shows": "lesion, skin, hand or thing",
    "label": "the model's label: " + ", ".join(LABEL_NAMES) + "; empty where unknown or no lesion",
    "diagnosis": "the source's own word for the lesion",
    "source": "data set that it comes from",
    "population": "dermatoscope or phone",
    "licence": "terms of the source",
    "group": "lesion, patient or owner, merged with those of its copies; never on two sides of a split",
    "share": "train, valid or test",
    "fold": "number of the fold, in sources that are measured out of fold",
    "age": "years",
    "sex": "the source's own word",
    "skin_type": "Fitzpatrick's scale, 1 to 6",
    "pen": "share of the picture that is a doctor's pen mark, 0 to 1",
    "width": "pixels",
    "height": "pixels",
    "sha256": "digest of the file",
    "phash": "perceptual hash, 64 bits as 16 hexadecimal digits",
}


def is_manifest(data: Path) -> bool:
    """Return whether `data` is a manifest or a folder that holds one."""
    return data.is_file() or (data / MANIFEST_NAME).is_file()


def read_manifest(data: Path) -> list[ImageRecord]:
    """Read the records of a manifest, given by its path or by its folder.

    Raises:
        TrainingError: If the manifest cannot be read, if an image is missing, or if a group is on two sides of a split.
    """
    table = data if data.is_file() else data / MANIFEST_NAME
    records = []
    for row in read_rows(table, tuple(COLUMNS)):
        try:
            records.append(_parse_row(table, row))
        except (KeyError, ValueError) as error:
            raise unknown_value_error(table, error.args[0]) from error
    try:
        check_group_leakage(records)
    except TrainingError as error:
        raise TrainingError(f"{table}: {error}") from error
    return records


def write_manifest(folder: Path, records: Iterable[tuple[ImageRecord, Fingerprint]]) -> None:
    """Write `manifest.csv` into `folder`, replacing the file in one step."""
    rows = (_format_row(folder, record, fingerprint) for record, fingerprint in records)
    write_rows(folder / MANIFEST_NAME, COLUMNS, rows)


def format_path(folder: Path, path: Path) -> str:
    """Format the path of an image for a manifest in `folder`."""
    folder, path = folder.resolve(), path.resolve()
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _parse_row(table: Path, row: dict[str, str]) -> ImageRecord:
    return ImageRecord(
        path=require_file(table.parent / row["file"]),
        subject=Subject(row["shows"]),
        label=LABEL_NAMES.index(row["label"]) if row["label"] else None,
        source=row["source"],
        population=Population(row["population"]),
        licence=row["licence"],
        group=row["group"],
        split=Split(row["share"]),
        fold=parse_int(table, row["fold"]),
        diagnosis=row["diagnosis"],
        age=parse_int(table, row["age"]),
        sex=row["sex"],
        skin_type=parse_int(table, row["skin_type"]),
        pen=parse_float(table, row["pen"]),
    )


def _format_row(folder: Path, record: ImageRecord, fingerprint: Fingerprint) -> dict[str, object]:
    known = {name: value for name in COLUMNS if (value := getattr(record, name, None)) is not None}
    return {
        **known,
        "file": format_path(folder, record.path),
        "shows": record.subject,
        "share": record.split,
        "label": "" if record.label is None else LABEL_NAMES[record.label],
        "width": fingerprint.width,
        "height": fingerprint.height,
        "sha256": fingerprint.sha256,
        "phash": f"{fingerprint.phash:016x}",
    }
