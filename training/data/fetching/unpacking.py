"""Lays fetched files out as `training.data.sources` reads them: pictures in folders by class, and a `manifest.csv`."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from training.data.fetching.archives import read_members
from training.data.records.csv_table import MANIFEST_NAME, read_rows
from training.data.sources import HAM10000, ISIC2017, PAD_UFES_20, PHONE_FOLDER, is_held_out

#: Folds of PAD-UFES-20; a patient is in one.
FOLD_COUNT: Final = 4

Row = dict[str, str]


def unpack_data_set(source: str, files: Mapping[str, Path], data: Path) -> int:
    """Unpack the fetched `files` of a data set into the folder `data`; returns how many pictures there are.

    Raises `TrainingError` where a table lacks a column. The manifest is written last: it is there only if all is.
    """
    folder = data / (PHONE_FOLDER if source == PAD_UFES_20 else source)
    reader: Callable[[Mapping[str, Path], Path], Iterator[Row]] = {
        ISIC2017: _unpack_isic2017,
        HAM10000: _unpack_ham10000,
        PAD_UFES_20: _unpack_pad_ufes_20,
    }[source]
    found = list(reader(files, folder))
    if source == PAD_UFES_20 and (folder / MANIFEST_NAME).is_file():
        # What is no lesion lies in the same folder, and stays.
        found += [row for row in read_rows(folder / MANIFEST_NAME, ("source",)) if row["source"] != PAD_UFES_20]
    _write(folder / MANIFEST_NAME, found)
    return len(found)


def _unpack_isic2017(files: Mapping[str, Path], folder: Path) -> Iterator[Row]:
    """Three archives, `<split>/<diagnosis>/<file>` in each."""
    for archive in files.values():
        for name, content in read_members(archive):
            if name.suffix.lower() in {".jpg", ".jpeg", ".png"} and len(name.parts) >= 3:
                split, dx, file = name.parts[-3:]
                label = "malignant" if dx == "melanoma" else "benign"
                _write_file(folder / split / label / file, content)
                yield {"split": split, "label": label, "dx": dx, "file": file, "source": ISIC2017}


def _unpack_ham10000(files: Mapping[str, Path], folder: Path) -> Iterator[Row]:
    """Two archives of pictures named as `image_id` in the table."""
    (table,) = (path for path in files.values() if path.suffix == ".csv")
    told = {row["image_id"]: row for row in read_rows(table, ("image_id", "lesion_id", "dx"))}
    for archive in (path for path in files.values() if path.suffix == ".zip"):
        for name, content in read_members(archive):
            row = told.get(name.stem)
            if row is not None:
                file = f"{row['dx']}/{name.name}"
                _write_file(folder / file, content)
                yield {"file": file} | {key: value for key, value in row.items() if key != "image_id"}


def _unpack_pad_ufes_20(files: Mapping[str, Path], folder: Path) -> Iterator[Row]:
    """One archive with three archives of pictures and the table `metadata.csv`."""
    (archive,) = files.values()
    content = dict(_read_tables(archive))
    told = {row["img_id"]: row for row in csv.DictReader(io.StringIO(content["metadata.csv"]))}
    for name, image in read_members(archive):
        row = told.get(name.name)
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


def _read_tables(archive: Path) -> Iterator[tuple[str, str]]:
    for name, content in read_members(archive):
        if name.suffix == ".csv":
            yield name.name, content.decode("utf-8")


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _write(path: Path, found: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    with temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in found for name in row)))
        writer.writeheader()
        writer.writerows(found)
    temporary.replace(path)
