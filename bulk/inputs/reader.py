"""Reading one file: never hangs, never opens a device, never takes more memory than a picture may."""

import os
import stat
from pathlib import Path

from bulk.rejections import FileNotReadable, ReadProblem
from shared.images.refusal import check_bytes


def read_image(path: Path) -> bytes:
    """Bytes of the regular file (or link to one) at `path`.

    Raises `FileNotReadable`, and `shared.images.refusal.ImageRejected` for one that is empty or too large.
    """
    try:
        return _read(path)
    except PermissionError as error:
        raise FileNotReadable(ReadProblem.NO_PERMISSION) from error
    except FileNotFoundError as error:
        raise FileNotReadable(ReadProblem.BROKEN_LINK if _is_link(path) else ReadProblem.VANISHED) from error
    except OSError as error:
        # ELOOP of links in a circle has no class of its own; `path.stat()` would only raise it again.
        raise FileNotReadable(ReadProblem.BROKEN_LINK if _is_link(path) else ReadProblem.READ_FAILED) from error


def _read(path: Path) -> bytes:
    # First by name: to open a device can have effects. Then what was really opened. O_NONBLOCK keeps a pipe that
    # took the file's place in between from waiting for a writer.
    _check(path.stat())
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        _check(status)
        # No more than was checked: a file that is being written may have grown since.
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
