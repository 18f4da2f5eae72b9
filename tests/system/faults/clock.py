"""A wall clock of one process that a test can set."""

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

#: LD_PRELOAD and the library need Linux and a C compiler.
_IS_SUPPORTED: Final = sys.platform == "linux" and shutil.which("cc") is not None


class SettableClock:
    """A clock that shows the time of the machine until a `jump`. `environment` applies it to a process.

    The monotonic clock stays unchanged, as it does when the time of a machine is set. (libfaketime 0.9.10 breaks every
    sleep of Python if it is to leave that clock alone.)
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._file.write_bytes(struct.pack("=q", 0))
        self._library = _library(file.parent) if _IS_SUPPORTED else None

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a process that uses this clock. Empty where clocks cannot be set."""
        if self._library is None:
            return {}
        return {"LD_PRELOAD": str(self._library), "WALL_CLOCK_FILE": str(self._file)}

    @contextlib.contextmanager
    def jump(self, ahead_s: int) -> Iterator[None]:
        """Move the clock by `ahead_s` now, and back afterwards."""
        self._set(ahead_s)
        try:
            yield
        finally:
            self._set(0)

    def _set(self, ahead_s: int) -> None:
        # Written in place, because processes have mapped the file.
        with self._file.open("r+b") as file:
            os.pwrite(file.fileno(), struct.pack("=q", ahead_s), 0)


def require_settable_clocks() -> None:
    """Skip the test where clocks cannot be set. In CI it fails."""
    if not _IS_SUPPORTED:
        assert not os.environ.get("CI"), "CI must have a C compiler"
        pytest.skip("setting clocks needs Linux and a C compiler")


def _library(directory: Path) -> Path:
    library = directory / "wall_clock.so"
    if not library.exists():
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, _SOURCE], check=True)
    return library
