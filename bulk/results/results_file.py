"""`results.jsonl`: one JSON object a line, appended and synced as answers come. It is the truth of a run.

Fields: `id` (the job's), `file` (and `file_base64` where the name is no UTF-8), `seconds`, and all fields of the
decision as the contract has them: `kind`, `probability`, `band`, `reason` ...
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bulk import filenames
from bulk.submission.items import ImageResult

Row = dict[str, Any]

_TAIL: Final = 1 << 16


class ResultsFile:
    """Appends answers to the file at `path`. A last line that a kill or full disk cut off is dropped first."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._size = _whole_lines(path)
        self._file.truncate(self._size)

    def append(self, answers: Sequence[ImageResult]) -> list[Row]:
        """Write `answers` and wait until the disk has them. Returns them as rows.

        Raises `OSError`; then the file holds none of them.
        """
        lines = [_line(answer) for answer in answers]
        block = b"".join(lines)
        try:
            written = 0
            while written < len(block):
                written += self._file.write(block[written:]) or 0
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self._size)
            raise
        self._size += len(block)
        return [json.loads(line) for line in lines]

    def __enter__(self) -> Self:
        """Nothing more to open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._file.close()


def read_results(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield the byte offset and the row of each whole line."""
    if not path.exists():
        return
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield offset, json.loads(line)
            offset += len(line)


def row_at(path: Path, offset: int) -> Row:
    """The row of the line that starts at byte `offset`."""
    with path.open("rb") as file:
        file.seek(offset)
        row: Row = json.loads(file.readline())
        return row


def _line(answer: ImageResult) -> bytes:
    head = {"id": answer.id, **filenames.to_fields(answer.name), "seconds": round(answer.seconds, 3)}
    # The decision is taken over as the worker wrote it: its numbers keep every digit.
    return json.dumps(head).encode("ascii")[:-1] + b", " + answer.json.lstrip()[1:].rstrip() + b"\n"


def _whole_lines(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - _TAIL)
            file.seek(start)
            last = file.read(end - start).rfind(b"\n")
            if last >= 0:
                return start + last + 1
            end = start
    return 0
