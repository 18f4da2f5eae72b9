"""Journal of submitted names: a resumed run waits for their decisions even if a file has vanished since."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from bulk import filenames


class SubmissionJournal:
    """Appends names to the file at `path`, each before the ledger gets its job.

    The file is not synced. It has to survive the death of the process, not of the machine: after that the folder is
    scanned again anyway.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def append(self, names: Sequence[str]) -> None:
        """Append `names`. Raises `OSError`."""
        # The newline at the start ends a line that a kill cut off.
        self._file.write(b"\n" + json.dumps([filenames.to_fields(name) for name in names]).encode("ascii") + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> Iterator[str]:
    """Yield the names in order, without those of a line that a kill cut off."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                names = json.loads(line)
            except ValueError:
                continue
            for fields in names:
                yield filenames.from_fields(fields)
