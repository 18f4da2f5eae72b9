"""Index of finished images, on disk: a resumed run looks up every file in it, however many there are."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bulk.inputs.input_image import ImageVersion

_SCHEMA = """
CREATE TABLE finished (
  id BLOB PRIMARY KEY, name BLOB, sha256 TEXT, changed_ns INTEGER, failed INTEGER, seen INTEGER DEFAULT 0,
  outdated INTEGER DEFAULT 0
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """Entry of the index: an image that has a row, and whether it failed."""

    version: ImageVersion
    failed: bool


class FinishedIndex:
    """Images by id in a new file at `path`. As a context manager it removes the file at the end.

    The id is a hash of the image's name, in hex.
    """

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None)
        # The index is built from the results at each start, so it need not survive a crash.
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(_SCHEMA)

    def add(self, images: Iterable[tuple[str, bytes, Finished]]) -> None:
        """Add images as (id, name, entry). An entry that is there already is replaced."""
        rows = (
            (bytes.fromhex(id_), name, finished.version.sha256, finished.version.changed_ns, finished.failed)
            for id_, name, finished in images
        )
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT OR REPLACE INTO finished (id, name, sha256, changed_ns, failed) VALUES (?, ?, ?, ?, ?)", rows
        )
        self._database.execute("COMMIT")

    def find(self, id_: str) -> Finished | None:
        """The entry of the image; None if it has no row."""
        row = self._database.execute(
            "SELECT sha256, changed_ns, failed FROM finished WHERE id = ?", (bytes.fromhex(id_),)
        ).fetchone()
        return None if row is None else Finished(ImageVersion(None, row[0], row[1]), bool(row[2]))

    def mark(self, id_: str, *, outdated: bool) -> None:
        """Note that the folder still has the image, and whether its row is outdated."""
        self._database.execute(
            "UPDATE finished SET seen = 1, outdated = ? WHERE id = ?", (outdated, bytes.fromhex(id_))
        )

    def unseen_and_unread(self) -> Iterator[tuple[str, bytes]]:
        """Ids and names of images that were never read and are not marked."""
        for id_, name in self._database.execute("SELECT id, name FROM finished WHERE seen = 0 AND sha256 IS NULL"):
            yield id_.hex(), name

    def is_outdated(self, id_: str) -> bool:
        """True if the image was marked as outdated."""
        query = "SELECT 1 FROM finished WHERE id = ? AND outdated"
        return self._database.execute(query, (bytes.fromhex(id_),)).fetchone() is not None

    def remove_outdated(self) -> int:
        """Remove the images that were marked as outdated, and return their number."""
        return self._database.execute("DELETE FROM finished WHERE outdated").rowcount

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM finished").fetchone()[0])

    def __contains__(self, id_: str) -> bool:
        return self.find(id_) is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close and remove the file."""
        self._database.close()
        self._path.unlink(missing_ok=True)
