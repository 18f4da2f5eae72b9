"""Reads one regular file with a size limit. It never blocks and never opens a device."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from bulk.inputs.dicom import magic
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from shared.images.limits import DECODE_LIMITS
from shared.images.refusal import check_bytes

_DICOM_LIMITS: Final = replace(DECODE_LIMITS, max_bytes=magic.MAX_BYTES)


def read_file(path: Path) -> bytes:
    """Read the regular file (or link to one) at `path`.

    Raises `FileNotReadable`, and `shared.images.refusal.ImageRejected` for a file that is empty or larger than an
    image may be.
    """
    with open_file(path) as file, _problems_of(path):
        return read_stream(file, os.fstat(file.fileno()).st_size)


def open_file(path: Path) -> IO[bytes]:
    """Open the regular file (or link to one) at `path`. Raises `FileNotReadable`."""
    # The path is checked first, because opening a device can have effects; then the open file is checked. O_NONBLOCK:
    # opening a pipe that has replaced the file in between must not wait for a writer.
    stat_file(path)
    with _problems_of(path):
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        file = os.fdopen(handle, "rb")
        try:
            _check_regular(os.fstat(handle))
        except BaseException:
            file.close()
            raise
    return file


def stat_file(path: Path) -> os.stat_result:
    """Status of the regular file (or link to one) at `path`. Raises `FileNotReadable`."""
    with _problems_of(path):
        status = path.stat()
        _check_regular(status)
    return status


def read_stream(stream: IO[bytes], size: int) -> bytes:
    """Read a file of `size` bytes, unless that is more than an image may have.

    Raises `shared.images.refusal.ImageRejected` and what reading raises.
    """
    head = stream.read(min(size, magic.HEAD_BYTES))
    check_bytes(size, _DICOM_LIMITS if magic.is_dicom(head) else DECODE_LIMITS)
    # At most the size that was checked: a file that is being written may have grown since.
    data = head + stream.read(size - len(head))
    check_bytes(len(data), _DICOM_LIMITS)
    return data


@contextmanager
def _problems_of(path: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise FileNotReadable(ReadProblem.NO_PERMISSION) from error
    except FileNotFoundError as error:
        raise FileNotReadable(ReadProblem.BROKEN_LINK if _is_link(path) else ReadProblem.VANISHED) from error
    except OSError as error:
        # The ELOOP of circular links has no class of its own, and `path.stat()` would only raise it again.
        raise FileNotReadable(ReadProblem.BROKEN_LINK if _is_link(path) else ReadProblem.READ_FAILED) from error


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileNotReadable(ReadProblem.NOT_A_FILE)


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:
        return False
