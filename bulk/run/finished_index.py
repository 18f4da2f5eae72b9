"""Index of finished images, on disk: a resumed run looks up every file in it, however many there are."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Self


class FinishedIndex:
    """A set of job ids in a new file at `path`. As a context manager it removes the file at the end."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None)
        # The index is built from the results at each start, so it need not survive a crash.
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE finished (id BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, ids: Iterable[str]) -> None:
        """Add `ids` (hex), unless they are there already."""
        rows = ((bytes.fromhex(id_),) for id_ in ids)
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR IGNORE INTO finished VALUES (?)", rows)
        self._database.execute("COMMIT")

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM finished").fetchone()[0])

    def __contains__(self, id_: str) -> bool:
        cursor = self._database.execute("SELECT 1 FROM finished WHERE id = ?", (bytes.fromhex(id_),))
        return cursor.fetchone() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close and remove the file."""
        self._database.close()
        self._path.unlink(missing_ok=True)
