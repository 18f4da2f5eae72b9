"""Reads and writes the CSV tables that describe the images of a data set."""

import csv
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from training.errors import TrainingError

#: Name of the table in the folder of each data set, and of the manifest that `melanoma-data build` writes.
MANIFEST_NAME: Final = "manifest.csv"


def read_rows(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Read the rows of a table.

    The table must have `columns`. Rows also hold its other columns.

    Yields:
        Each row by column name. A missing cell is empty.

    Raises:
        TrainingError: If the table cannot be read or lacks one of `columns`.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing and any(";" in name for name in reader.fieldnames or ()):
                raise TrainingError(f"{path} separates its columns by semicolons: separate them by commas.")
            if missing:
                raise TrainingError(f"{path} lacks the column {min(missing)!r}.")
            for row in reader:
                # csv gives None for the missing cells of a short line.
                yield {name: row[name] or "" for name in reader.fieldnames or ()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{path} cannot be read: each data set needs its {MANIFEST_NAME}.") from error


def write_rows(path: Path, columns: Collection[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Write a table and replace the file at `path` in one step, so that it is whole or absent."""
    temporary = path.with_suffix(".new")
    with temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)


def parse_int(path: Path, text: str) -> int | None:
    """Parse a whole number of at least 0; an empty cell is None. `path` is the table, for the `TrainingError`."""
    value = parse_float(path, text)
    if value is not None and (value < 0 or value != int(value)):
        raise unknown_value_error(path, text)
    return None if value is None else int(value)


def parse_float(path: Path, text: str) -> float | None:
    """Parse a finite number; an empty cell is None. `path` is the table, for the `TrainingError` that is raised."""
    try:
        value = float(text) if text else None
    except ValueError as error:
        raise unknown_value_error(path, text) from error
    if value is not None and not math.isfinite(value):
        raise unknown_value_error(path, text)
    return value


def require_file(path: Path) -> Path:
    """Return the path of an image that a table names. Raises `TrainingError` if there is no such file."""
    if not path.is_file():
        raise TrainingError(f"The manifest beside it names {path}, which is not there.")
    return path


def unknown_value_error(path: Path, value: object) -> TrainingError:
    """Create the error for a value that the table `path` may not hold."""
    return TrainingError(f"{path} has the unknown value {value!r}.")
