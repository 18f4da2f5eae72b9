"""Tar archives, plain or compressed by gzip."""

import gzip
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

from bulk.inputs.archives.archive_format import MAX_MEMBERS, ArchiveFormat, unique_name
from bulk.inputs.file_reader import open_file, read_stream
from bulk.inputs.read_problem import FileNotReadable, ReadProblem

_GZIP_MAGIC: Final = b"\x1f\x8b"
# tarfile reads extended headers whole, and a file may claim any size for them.
_MAX_HEADER_BYTES: Final = 1 << 20
# What a compressed archive may unpack to: pictures hardly shrink, so more than this is an attack on time.
_MAX_UNPACKED_BYTES: Final = 2**30
_MAX_RATIO: Final = 50


class _TarArchive:
    def __init__(self, path: Path) -> None:
        self._file = open_file(path)
        try:
            packed = self._file.seek(0, 2)
            self._file.seek(0)
            is_compressed = self._file.read(2) == _GZIP_MAGIC
            self._file.seek(0)
            self._stream: IO[bytes] = gzip.GzipFile(fileobj=self._file) if is_compressed else self._file  # type: ignore[assignment]
            limit = max(_MAX_UNPACKED_BYTES, _MAX_RATIO * packed) if is_compressed else packed
            beyond = ReadProblem.ARCHIVE_TOO_LARGE if is_compressed else ReadProblem.ARCHIVE_DAMAGED
            self._members = _index(self._stream, limit, beyond)
        except BaseException:
            self._file.close()
            raise

    @property
    def names(self) -> Iterable[str]:
        return self._members

    def read(self, name: str) -> bytes:
        offset, size = self._members[name]
        self._stream.seek(offset)
        return read_stream(self._stream, size)

    def order(self, name: str) -> int:
        return self._members[name][0]

    def close(self) -> None:
        self._stream.close()
        self._file.close()


class _HeaderReader:
    """The stream as tarfile sees it: no single read is larger than a header."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.tell, self.seek = stream.tell, stream.seek

    def read(self, size: int) -> bytes:
        if size > _MAX_HEADER_BYTES:
            raise tarfile.ReadError("an extended header is too large")
        return self._stream.read(size)


def _index(stream: IO[bytes], limit: int, beyond: ReadProblem) -> dict[str, tuple[int, int]]:
    """Offset and size of each regular file by its name. Nothing but headers is kept.

    Raises `FileNotReadable`; with the problem `beyond` for a file that ends after `limit` bytes.
    """
    found: dict[str, tuple[int, int]] = {}
    with tarfile.TarFile(fileobj=_HeaderReader(stream)) as archive:  # type: ignore[arg-type]
        while (member := archive.next()) is not None:
            archive.members.clear()  # type: ignore[attr-defined]
            if len(found) >= MAX_MEMBERS:
                raise FileNotReadable(ReadProblem.ARCHIVE_TOO_LARGE)
            if member.offset_data + member.size > limit:
                raise FileNotReadable(beyond)
            if member.isreg() and not member.issparse():
                found[unique_name(member.name, found)] = member.offset_data, member.size
        # tarfile takes a damaged header in the middle for the end.
        stream.seek(archive.offset)
        if any(stream.read(tarfile.BLOCKSIZE)):
            raise tarfile.ReadError("damaged header")
    return found


#: Tar archives.
TAR_ARCHIVES: Final = ArchiveFormat(
    frozenset({".tar", ".tar.gz", ".tgz"}), _TarArchive, (tarfile.TarError, zlib.error, EOFError, OSError, ValueError)
)
