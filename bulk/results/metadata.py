"""A table of the user's, such as the `metadata.csv` of the ISIC archive, to be joined into the results."""

import csv
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bulk import filenames

# Names of the column that identifies the picture, by precedence.
_KEY_COLUMNS: Final = (
    *("file", "filename", "file_name", "path", "image", "image_name", "image_id", "isic_id"),
    *("isic id", "img_id", "name", "id"),
)
_ISIC_ID: Final = re.compile(r"ISIC_\d{7}", re.IGNORECASE)


class MetadataError(Exception):
    """Raised when a table cannot be joined. The message is a sentence for the user."""


class Metadata:
    """The table at `path` (CSV in UTF-8), by file name or ISIC id. Its rows are kept on disk. Raises `MetadataError`.

    Of several rows for one picture the first counts.
    """

    def __init__(self, path: Path) -> None:
        shown = filenames.visible(str(path))
        #: Names of all columns.
        self.columns: list[str] = []
        self._database = sqlite3.connect("", isolation_level=None)  # a file that SQLite removes
        self._database.execute("CREATE TABLE metadata (key TEXT PRIMARY KEY, cells TEXT) WITHOUT ROWID")
        self._database.execute("BEGIN")
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                self._database.executemany("INSERT OR IGNORE INTO metadata VALUES (?, ?)", self._rows(file, shown))
        except UnicodeDecodeError as error:
            raise MetadataError(f"{shown} is not text in UTF-8: save it as CSV in UTF-8.") from error
        except csv.Error as error:
            raise MetadataError(f"{shown} is not a CSV table: {error}.") from error
        except OSError as error:
            raise MetadataError(f"{shown} cannot be read: {error.strerror}.") from error
        self._database.execute("COMMIT")

    def find(self, name: str) -> Sequence[str]:
        """The row of the picture `name` by its path, its file name with or without extension, or the ISIC id in it.

        Empty cells if there is none.
        """
        base = name.rpartition("/")[2]
        isic_id = _ISIC_ID.match(base)
        for key in (name, base, base.rpartition(".")[0], isic_id.group() if isic_id else ""):
            query = "SELECT cells FROM metadata WHERE key = ?"
            if key and (row := self._database.execute(query, (_normalized(key),)).fetchone()):
                cells: list[str] = json.loads(row[0])
                return cells
        return [""] * len(self.columns)

    def _rows(self, file: Iterator[str], shown: str) -> Iterator[tuple[str, str]]:
        rows = csv.reader(file)
        self.columns = next(rows, [])
        names = [column.strip().casefold() for column in self.columns]
        key = next((names.index(known) for known in _KEY_COLUMNS if known in names), None)
        if key is None:
            raise MetadataError(
                f"{shown} has no column that names the picture: give one of its columns the name file or isic_id."
            )
        width = len(self.columns)
        for row in rows:
            if len(row) > key and row[key].strip():
                yield _normalized(row[key].strip()), json.dumps((row + [""] * width)[:width])


def _normalized(key: str) -> str:
    return filenames.text(key).casefold()
