"""Sets rows of earlier starts aside that do not hold any more, so that their images are classified again.

A row is outdated if its file now has other bytes, if a file that could not be read has changed since, or if its line is
damaged. With `--retry` failures and files that could not be read are outdated, too. The lines move to
`replaced.jsonl`: nothing is lost.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from bulk.atomic_file import replacing
from bulk.inputs.input_image import InputImage
from bulk.inputs.read_problem import FileNotReadable
from bulk.results.result_row import DamagedRow, ResultRow
from bulk.results.results_file import read_lines
from bulk.run.finished_index import Finished, FinishedIndex
from shared.contract import run_files
from shared.images.refusal import ImageRejected

_CHUNK: Final = 10_000


@dataclass(frozen=True, slots=True)
class SetAside:
    """Numbers of lines that were set aside."""

    images: int = 0
    damaged: int = 0


class OutdatedRows:
    """The rows in the output directory `out` of a run of `folder`. `id_of` gives the id of a name in `index`."""

    def __init__(self, out: Path, folder: Path, index: FinishedIndex, id_of: Callable[[str], str]) -> None:
        self._out = out
        self._folder = folder
        self._index = index
        self._id_of = id_of

    def set_aside(self, images: Iterator[InputImage], *, retry: bool) -> SetAside:
        """Fill the index with the rows that hold, and move all others. `images` are those of the folder.

        Raises `OSError`.
        """
        damaged = self._index_rows()
        if not len(self._index) and not damaged:
            return SetAside()
        for image in images:
            id_ = self._id_of(image.name)
            if finished := self._index.find(id_):
                self._index.mark(id_, outdated=_is_outdated(image, finished, retry=retry))
        # Once the problem of a folder or an archive is solved, its images have names of their own.
        for id_, name in list(self._index.unseen_and_unread()):
            if os.path.lexists(os.fsencode(self._folder) + b"/" + name):
                self._index.mark(id_, outdated=True)
        moved = self._move_lines(damaged)
        self._index.remove_outdated()
        return moved

    def _index_rows(self) -> set[int]:
        """Index all rows, and return the offsets of lines that are damaged."""
        damaged: set[int] = set()

        def entries() -> Iterator[tuple[str, bytes, Finished]]:
            for offset, line in read_lines(self._out / run_files.RESULTS):
                if row := _parse(line):
                    finished = Finished(row.version, row.decision.kind == "failure")
                    yield self._id_of(row.name), os.fsencode(row.name), finished
                else:
                    damaged.add(offset)

        source = entries()
        while chunk := list(islice(source, _CHUNK)):
            self._index.add(chunk)
        return damaged

    def _move_lines(self, damaged: set[int]) -> SetAside:
        results = self._out / run_files.RESULTS

        def is_kept(offset: int, line: bytes) -> bool:
            row = None if offset in damaged else _parse(line)
            return row is not None and not self._index.is_outdated(self._id_of(row.name))

        moved = sum(1 for offset, line in read_lines(results) if not is_kept(offset, line))
        if moved:
            with (self._out / run_files.REPLACED).open("ab") as replaced:
                for offset, line in read_lines(results):
                    if not is_kept(offset, line):
                        replaced.write(line)
                replaced.flush()
                os.fsync(replaced.fileno())
            with replacing(results) as temporary, temporary.open("wb") as rest:
                for offset, line in read_lines(results):
                    if is_kept(offset, line):
                        rest.write(line)
        return SetAside(moved - len(damaged), len(damaged))


def _parse(line: bytes) -> ResultRow | None:
    with contextlib.suppress(DamagedRow):
        return ResultRow.from_json(line)
    return None


def _is_outdated(image: InputImage, finished: Finished, *, retry: bool) -> bool:
    is_unread = finished.version.sha256 is None
    if retry and (finished.failed or is_unread):
        return True
    if image.changed_ns() == finished.version.changed_ns:
        return False
    if is_unread:
        return True
    try:
        return hashlib.sha256(image.load()).hexdigest() != finished.version.sha256
    except (FileNotReadable, ImageRejected):
        return False  # the row says what was seen while the file could be read
