"""Input format: an archive with images. The archive that was read last stays open."""

import atexit
import threading
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from bulk.inputs.file_reader import stat_file
from bulk.inputs.read_problem import FileNotReadable, ReadProblem

#: An archive with more files is refused: their names have to fit into the memory.
MAX_MEMBERS: Final = 200_000


class OpenArchive(Protocol):
    """An open archive."""

    @property
    def names(self) -> Iterable[str]:
        """Names of its files, each once."""

    def read(self, name: str) -> bytes:
        """Read a file. Raises `FileNotReadable`, `ImageRejected` and what the format's library raises."""

    def order(self, name: str) -> int:
        """Position of the file in the archive. Files are best read in this order."""

    def close(self) -> None:
        """Close the archive."""


class ArchiveFormat:
    """Archives with one of `extensions`, opened by `open_archive`. Safe to use from several threads.

    `errors` are the exceptions by which its library reports damage.
    """

    def __init__(
        self,
        extensions: frozenset[str],
        open_archive: Callable[[Path], OpenArchive],
        errors: tuple[type[Exception], ...],
    ) -> None:
        self.extensions = extensions
        self._open = open_archive
        self._errors = errors
        self._lock = threading.Lock()
        self._archive: OpenArchive | None = None
        self._identity: object = None
        atexit.register(self.close)

    def list_images(self, path: Path) -> Iterator[str]:
        """Names of all files in the archive, whatever they are. Folders and links are not files."""
        with self._lock:
            names = self._use(path).names
        yield from names

    def read_image(self, path: Path, image: str) -> bytes:
        """Read a file of the archive."""
        with self._lock:
            archive = self._use(path)
            try:
                return archive.read(image)
            except KeyError as error:
                raise FileNotReadable(ReadProblem.VANISHED) from error
            except self._errors as error:
                raise FileNotReadable(ReadProblem.ARCHIVE_DAMAGED) from error

    def read_order(self, path: Path, image: str) -> int:
        """Position of a file in the archive. Raises what `read_image` raises."""
        with self._lock:
            try:
                return self._use(path).order(image)
            except KeyError as error:
                raise FileNotReadable(ReadProblem.VANISHED) from error

    def close(self) -> None:
        """Close the archive that is open."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None

    def _use(self, path: Path) -> OpenArchive:
        status = stat_file(path)
        identity = (path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if self._archive is None or identity != self._identity:
            self._close()
            try:
                self._archive = self._open(path)
            except self._errors as error:
                raise FileNotReadable(ReadProblem.ARCHIVE_DAMAGED) from error
            self._identity = identity
        return self._archive


def unique_name(name: str, taken: Container[str]) -> str:
    """`name`, with a number before its extension if another file of the archive has the same name."""
    stem, dot, extension = name.rpartition(".")
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{stem} ({number}){dot}{extension}" if stem else f"{name} ({number})", number + 1
    return unique
