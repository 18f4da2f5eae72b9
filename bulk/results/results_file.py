"""`results.jsonl`: one JSON object a line, appended and synced as decisions arrive. It is the source of truth of a run.

Fields: `id` (the job's), `file` (and `file_base64` where the name is not UTF-8), `seconds`, `size` and `sha256` of the
bytes that were judged, `changed_ns` (when the file last changed), and all fields of the decision as the contract has
them: `kind`, `probability`, `band`, `reason` ...
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self

from bulk.results.result_row import DamagedRow, ResultRow

_READ_BACK_BYTES: Final = 1 << 16


class ResultsDamaged(Exception):
    """Raised when a line of the results cannot be understood. The message is a sentence for the user."""


class ResultsFile:
    """Appends rows to the file at `path`. A last line that a kill or a full disk cut off is dropped first."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._size = _size_of_whole_lines(path)
        self._file.truncate(self._size)

    def append(self, rows: Sequence[ResultRow]) -> None:
        """Write `rows` and wait until the disk has them.

        Raises `OSError`; the file then holds none of them.
        """
        block = b"".join(row.to_json() for row in rows)
        try:
            written = 0
            while written < len(block):
                written += self._file.write(block[written:]) or 0
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self._size)
            raise
        self._size += len(block)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the byte offset and the bytes of each whole line."""
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield offset, line
            offset += len(line)


def read_results(path: Path) -> Iterator[tuple[int, ResultRow]]:
    """Yield the byte offset and the row of each whole line. Raises `ResultsDamaged`."""
    for number, (offset, line) in enumerate(read_lines(path), 1):
        try:
            row = ResultRow.from_json(line)
        except DamagedRow as error:
            raise ResultsDamaged(f"line {number} of {path.name} cannot be understood") from error
        yield offset, row


def read_row_at(path: Path, offset: int) -> ResultRow:
    """Read the row of the line that starts at byte `offset`."""
    with path.open("rb") as file:
        file.seek(offset)
        return ResultRow.from_json(file.readline())


def _size_of_whole_lines(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _READ_BACK_BYTES)
            file.seek(start)
            last = file.read(end - start).rfind(b"\n")
            if last >= 0:
                return start + last + 1
            end = start
    return 0
