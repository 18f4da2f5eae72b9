"""Names that were submitted, so that a resumed run awaits their answers even where a file is gone by now."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bulk import filenames


class SubmissionJournal:
    """Appends names to the file at `path`, each before the ledger hears of it.

    Not synced: it must survive the death of the process, not of the machine, after which the folder is scanned again
    anyway.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def append(self, submitted: Sequence[str]) -> None:
        """Note these names. Raises `OSError`."""
        # A newline first: it ends what a kill in the middle of a write left.
        self._file.write(b"\n" + json.dumps([filenames.to_fields(name) for name in submitted]).encode("ascii") + b"\n")

    def __enter__(self) -> Self:
        """Nothing more to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> Iterator[str]:
    """Yield the names in order; what a kill cut off is passed over."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                some = json.loads(line)
            except ValueError:
                continue
            for fields in some:
                yield filenames.from_fields(fields)
