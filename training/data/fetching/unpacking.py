"""Unpacks fetched archives into the layout that `training.data.sources` reads: images by class, and a table."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from training.data.fetching.archives import read_members
from training.data.records.csv_table import MANIFEST_NAME, read_rows, write_rows
from training.data.sources import (
    HAM10000,
    ISIC2017,
    PAD_UFES_20,
    PHONE_FOLDER,
    SIGN_DIGITS_HANDS,
    is_held_out,
)

#: Folds of PAD-UFES-20. All images of a patient are in one fold.
FOLD_COUNT: Final = 4

Row = dict[str, str]


def unpack_data_set(source: str, files: Mapping[str, Path], data: Path) -> int:
    """Unpack a data set and write its manifest last, so that a manifest is never without its images.

    `files` are the fetched files by name, `data` is the folder of all data sets.

    Returns:
        Number of images in the manifest.

    Raises:
        TrainingError: If a table lacks a column.
    """
    is_phone = source in (PAD_UFES_20, SIGN_DIGITS_HANDS)
    folder = data / (PHONE_FOLDER if is_phone else source)
    unpack: Callable[[Mapping[str, Path], Path], Iterator[Row]] = {
        ISIC2017: _unpack_isic2017,
        HAM10000: _unpack_ham10000,
        PAD_UFES_20: _unpack_pad_ufes_20,
        SIGN_DIGITS_HANDS: _unpack_sign_digits_hands,
    }[source]
    rows = list(unpack(files, folder))
    if is_phone and (folder / MANIFEST_NAME).is_file():
        # Phone images of other sources are in the same folder and keep their rows.
        rows += [row for row in read_rows(folder / MANIFEST_NAME, ("source",)) if row["source"] != source]
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / MANIFEST_NAME, list(dict.fromkeys(name for row in rows for name in row)), rows)
    return len(rows)


def _unpack_isic2017(files: Mapping[str, Path], folder: Path) -> Iterator[Row]:
    """Unpack three archives of `<split>/<diagnosis>/<file>`."""
    for archive in files.values():
        for name, content in read_members(archive):
            if name.suffix.lower() in {".jpg", ".jpeg", ".png"} and len(name.parts) >= 3:
                split, dx, file = name.parts[-3:]
                label = "malignant" if dx == "melanoma" else "benign"
                _write_file(folder / split / label / file, content)
                yield {"split": split, "label": label, "dx": dx, "file": file, "source": ISIC2017}


def _unpack_ham10000(files: Mapping[str, Path], folder: Path) -> Iterator[Row]:
    """Unpack two archives whose images are named as `image_id` in the table."""
    (table,) = (path for path in files.values() if path.suffix == ".csv")
    metadata = {row["image_id"]: row for row in read_rows(table, ("image_id", "lesion_id", "dx"))}
    for archive in (path for path in files.values() if path.suffix == ".zip"):
        for name, content in read_members(archive):
            row = metadata.get(name.stem)
            if row is not None:
                file = f"{row['dx']}/{name.name}"
                _write_file(folder / file, content)
                yield {"file": file} | {key: value for key, value in row.items() if key != "image_id"}


def _unpack_pad_ufes_20(files: Mapping[str, Path], folder: Path) -> Iterator[Row]:
    """Unpack one archive with three archives of images and the table `metadata.csv`."""
    (archive,) = files.values()
    tables = dict(_read_tables(archive))
    metadata = {row["img_id"]: row for row in csv.DictReader(io.StringIO(tables["metadata.csv"]))}
    for name, image in read_members(archive):
        row = metadata.get(name.name)
        if row is not None:
            file = f"{PAD_UFES_20}/{row['diagnostic']}/{name.name}"
            _write_file(folder / file, image)
            yield _convert_pad_ufes_20_row(file, row)


def _convert_pad_ufes_20_row(file: str, row: Row) -> Row:
    patient = row["patient_id"]
    return {
        "file": file,
        "source": PAD_UFES_20,
        "diagnosis": row["diagnostic"],
        "patient_id": patient,
        "lesion_id": row["lesion_id"],
        "group_id": f"pad:{patient}",
        "fold": str(sum(is_held_out(patient, fraction=part / FOLD_COUNT) for part in range(1, FOLD_COUNT))),
        "fitzpatrick": row.get("fitspatrick", ""),
        "age": row.get("age", ""),
        "sex": row.get("gender", "").lower(),
        "licence": "CC BY 4.0",
    }


def _unpack_sign_digits_hands(files: Mapping[str, Path], folder: Path) -> Iterator[Row]:
    """Unpack one archive of `Dataset/<digit>/<file>`: each of about 200 students shows ten digits."""
    (archive,) = files.values()
    for name, content in read_members(archive):
        if name.suffix.lower() in {".jpg", ".jpeg"} and name.parts[-2].isdigit():
            file = f"{SIGN_DIGITS_HANDS}/{name.parts[-2]}_{name.name}"
            _write_file(folder / file, content)
            yield {
                "file": file,
                "source": SIGN_DIGITS_HANDS,
                "shows": "hand",
                # The files of a student have consecutive numbers, ten each.
                "group_id": f"hands:{int(''.join(filter(str.isdigit, name.stem)) or 0) // 10}",
                "licence": "Apache-2.0",
            }


def _read_tables(archive: Path) -> Iterator[tuple[str, str]]:
    for name, content in read_members(archive):
        if name.suffix == ".csv":
            yield name.name, content.decode("utf-8")


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
