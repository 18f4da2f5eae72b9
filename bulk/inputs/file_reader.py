"""Reads one regular file with a size limit. It never blocks and never opens a device."""

import os
import stat
from pathlib import Path

from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from shared.images.refusal import check_bytes


def read_file(path: Path) -> bytes:
    """Read the regular file (or link to one) at `path`.

    Raises `FileNotReadable`, and `shared.images.refusal.ImageRejected` for a file that is empty or larger than an
    image may be.
    """
    try:
        return _read(path)
    except PermissionError as error:
        raise FileNotReadable(ReadProblem.NO_PERMISSION) from error
    except FileNotFoundError as error:
        raise FileNotReadable(ReadProblem.BROKEN_LINK if _is_link(path) else ReadProblem.VANISHED) from error
    except OSError as error:
        # The ELOOP of circular links has no class of its own, and `path.stat()` would only raise it again.
        raise FileNotReadable(ReadProblem.BROKEN_LINK if _is_link(path) else ReadProblem.READ_FAILED) from error


def _read(path: Path) -> bytes:
    # The path is checked first, because opening a device can have effects; then the open file is checked. O_NONBLOCK:
    # opening a pipe that has replaced the file in between must not wait for a writer.
    _check(path.stat())
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        _check(status)
        # At most the size that was checked: a file that is being written may have grown since.
        data = file.read(status.st_size)
    check_bytes(len(data))
    return data


def _check(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileNotReadable(ReadProblem.NOT_A_FILE)
    check_bytes(status.st_size)


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError:
        return False
