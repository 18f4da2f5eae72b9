"""Tables that say what the pictures of a data set are: CSV files, read with care."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.errors import TrainingError

#: Name of the table in the folder of each data set, and of the manifest of all that `melanoma-data build` writes.
MANIFEST_NAME: Final = "manifest.csv"


def read_rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Rows of a table that has at least these columns. Raises `TrainingError` where it cannot be read or lacks one."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise TrainingError(f"{path} lacks the column {min(missing)!r}.")
            for row in reader:
                # A short line leaves None, which no reader expects.
                yield {name: row[name] or "" for name in reader.fieldnames or ()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{path} cannot be read: each data set needs its {MANIFEST_NAME}.") from error


def parse_int(path: Path, text: str) -> int | None:
    """A whole number, or None for an empty cell. Raises `TrainingError` for other words in `path`."""
    value = parse_float(path, text)
    return None if value is None else int(value)


def parse_float(path: Path, text: str) -> float | None:
    """A number, or None for an empty cell. Raises `TrainingError` for other words in `path`."""
    try:
        return float(text) if text else None
    except ValueError as error:
        raise unknown_value_error(path, text) from error


def require_file(path: Path) -> Path:
    """The path of a picture that a table names. Raises `TrainingError` where there is no such file."""
    if not path.is_file():
        raise TrainingError(f"The manifest beside it names {path}, which is not there.")
    return path


def unknown_value_error(path: Path, value: object) -> TrainingError:
    """The error for a word that a table should not have."""
    return TrainingError(f"{path} has the word {value!r}, which is not known.")
