"""Ids of finished pictures, on disk: a resumed run asks it of every file, however many there are."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self


class FinishedIndex:
    """A set of job ids in a file at `path`, made anew. As a context manager it removes the file at the end."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self._base = sqlite3.connect(path, isolation_level=None)
        # It is made again from the results each time, so it need not survive anything.
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("PRAGMA synchronous = OFF")
        self._base.execute("CREATE TABLE finished (id BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, ids: Iterable[str]) -> None:
        """Take in `ids` (hex); those that are there already do no harm."""
        self._base.execute("BEGIN")
        self._base.executemany("INSERT OR IGNORE INTO finished VALUES (?)", ((bytes.fromhex(id_),) for id_ in ids))
        self._base.execute("COMMIT")

    def __len__(self) -> int:
        return int(self._base.execute("SELECT count(*) FROM finished").fetchone()[0])

    def __contains__(self, id_: str) -> bool:
        found = self._base.execute("SELECT 1 FROM finished WHERE id = ?", (bytes.fromhex(id_),))
        return found.fetchone() is not None

    def __enter__(self) -> Self:
        """Nothing more to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close and remove the file."""
        self._base.close()
        self._path.unlink(missing_ok=True)
