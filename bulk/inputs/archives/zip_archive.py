"""Zip archives."""

import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

from bulk.inputs.archives.archive_format import MAX_MEMBERS, ArchiveFormat, unique_name
from bulk.inputs.file_reader import open_file, read_stream
from bulk.inputs.read_problem import FileNotReadable, ReadProblem

# The other methods unpack with as much memory as the archive asks for.
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED: Final = 1
# Size of the list of files at the end of the archive, which zipfile reads whole.
_MAX_DIRECTORY_BYTES: Final = 64 * 2**20
# The record at the very end: signature, then from byte 12 the size of the directory. A comment of 64 KiB may follow it.
_END_SIGNATURE: Final = b"PK\5\6"
_END_BYTES: Final = 22
_MAX_COMMENT_BYTES: Final = 1 << 16
# Zip64 archives have the size in a record before that one.
_ZIP64_SIGNATURE: Final = b"PK\6\6"
_ZIP64_BYTES: Final = 56
_ZIP64_LOCATOR_BYTES: Final = 20
_IN_ZIP64: Final = 0xFFFFFFFF


class _ZipArchive:
    def __init__(self, path: Path) -> None:
        self._file = open_file(path)
        try:
            self._zip = _open_zip(self._file)
        except BaseException:
            self._file.close()
            raise
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if not info.is_dir():
                self._members[unique_name(info.filename, self._members)] = info

    @property
    def names(self) -> Iterable[str]:
        return self._members

    def read(self, name: str) -> bytes:
        info = self._members[name]
        if info.flag_bits & _ENCRYPTED:
            raise FileNotReadable(ReadProblem.ENCRYPTED)
        if info.compress_type not in _METHODS:
            raise FileNotReadable(ReadProblem.ARCHIVE_UNSUPPORTED)
        with self._zip.open(info) as stream:
            return read_stream(stream, info.file_size)

    def order(self, name: str) -> int:
        return self._members[name].header_offset

    def close(self) -> None:
        self._zip.close()
        self._file.close()


def _open_zip(file: IO[bytes]) -> zipfile.ZipFile:
    if _directory_bytes(file) > _MAX_DIRECTORY_BYTES:
        raise FileNotReadable(ReadProblem.ARCHIVE_TOO_LARGE)
    opened = zipfile.ZipFile(file)
    if len(opened.infolist()) > MAX_MEMBERS:
        raise FileNotReadable(ReadProblem.ARCHIVE_TOO_LARGE)
    return opened


def _directory_bytes(file: IO[bytes]) -> int:
    """Size of the directory by the record at the end; 0 if there is none, which zipfile then reports."""
    end = file.seek(0, 2)
    start = max(0, end - _END_BYTES - _MAX_COMMENT_BYTES - _ZIP64_LOCATOR_BYTES - _ZIP64_BYTES)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) < at + _END_BYTES:
        return 0
    (size,) = struct.unpack_from("<L", tail, at + 12)
    zip64 = tail.rfind(_ZIP64_SIGNATURE, 0, at)
    if zip64 >= 0 and len(tail) >= zip64 + _ZIP64_BYTES:
        (size64,) = struct.unpack_from("<Q", tail, zip64 + 40)
        return int(size64)
    return 0 if size == _IN_ZIP64 else int(size)


#: Zip archives.
ZIP_ARCHIVES: Final = ArchiveFormat(
    frozenset({".zip"}),
    _ZipArchive,
    (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError),
)
