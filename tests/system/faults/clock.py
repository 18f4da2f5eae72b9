"""The wall clock of one process, which a test can set."""

import contextlib
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_SOURCE: Final = Path(__file__).with_name("wall_clock.c")

#: The loader of other systems takes no library before all others in this way.
_IS_SUPPORTED: Final = sys.platform == "linux" and shutil.which("cc") is not None


class SettableClock:
    """A clock that goes right until it `jumps`. `environment` puts a process under it, where there is a C compiler.

    The monotonic clock is left alone: setting the time of a machine does not touch it. (libfaketime 0.9.10 fails every
    sleep of Python where it is told to do that.)
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._file.write_bytes(struct.pack("=q", 0))
        self._library = _library(file.parent) if _IS_SUPPORTED else None

    @property
    def environment(self) -> dict[str, str]:
        """What the process needs in its environment; nothing without a compiler."""
        if self._library is None:
            return {}
        return {"LD_PRELOAD": str(self._library), "WALL_CLOCK_FILE": str(self._file)}

    @contextlib.contextmanager
    def jump(self, ahead_s: int) -> Iterator[None]:
        """Jump ahead now, or back where negative, and the other way afterwards."""
        self._set(ahead_s)
        yield
        self._set(0)

    def _set(self, ahead_s: int) -> None:
        # In place: processes have mapped the file.
        with self._file.open("r+b") as file:
            os.pwrite(file.fileno(), struct.pack("=q", ahead_s), 0)


def require_settable_clocks() -> None:
    """Skip the test where clocks cannot be set, and fail it in CI."""
    if not _IS_SUPPORTED:
        assert not os.environ.get("CI"), "CI must have a C compiler"
        pytest.skip("clocks are set on Linux with a C compiler")


def _library(directory: Path) -> Path:
    library = directory / "wall_clock.so"
    if not library.exists():
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, _SOURCE], check=True)
    return library
