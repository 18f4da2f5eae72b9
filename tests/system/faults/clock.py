"""The wall clock of one process, which a test can set, by libfaketime."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

_LIBRARIES: Final = (
    *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
    *Path("/usr/lib64").glob("faketime/libfaketimeMT.so.1"),
)

#: A process reads the file of its clock as often. Seconds.
_READ_EVERY_S: Final = 1


class Clock:
    """A clock that goes right until it `jumps`. `environment` puts a process under it, where libfaketime is there.

    The monotonic clock is left alone: setting the time of a machine does not touch it. With that, libfaketime 0.9.10
    fails every sleep of Python, so it serves for Redis alone.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._set(0)

    @property
    def environment(self) -> dict[str, str]:
        """What the process needs in its environment; nothing without libfaketime."""
        if not _LIBRARIES:
            return {}
        return {
            "LD_PRELOAD": str(_LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": str(_READ_EVERY_S),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    @contextlib.contextmanager
    def jumps(self, ahead_s: int) -> Iterator[None]:
        """Jump ahead now, or back where negative, and the other way afterwards."""
        self._set(ahead_s)
        yield
        self._set(0)

    def _set(self, ahead_s: int) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(f"{ahead_s:+d}\n")
        part.replace(self._file)


def need_libfaketime() -> None:
    """Skip the test without libfaketime, and fail it in CI."""
    if not _LIBRARIES:
        assert not os.environ.get("CI"), "CI must have libfaketime"
        pytest.skip("clocks are set with libfaketime (Debian's package libfaketime)")
