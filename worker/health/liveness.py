"""The liveness file: touched every second while the worker makes progress, for health checks."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from shared.service.periodic_thread import PeriodicThread

log = structlog.get_logger(__name__)

#: Seconds without progress after which the worker counts as hanging. No batch or turn of the event loop takes as long.
MAX_STALL_S: Final = 60.0


class LivenessFile:
    """A thread that touches `path` every second unless the predict thread or the event loop hangs.

    Waiting for an unavailable Redis is not a hang: a restart of the worker would not bring Redis back.

    Args:
        path: The file.
        stall_timers: Each returns for how many seconds a part of the worker has made no progress.
    """

    def __init__(self, path: Path, *stall_timers: Callable[[], float]) -> None:
        self._path = path
        self._stall_timers = stall_timers
        self._thread = PeriodicThread("liveness", self.touch_if_alive)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._thread.stop()

    def touch_if_alive(self) -> bool:
        """Touch the file unless something hangs. Returns whether it did."""
        if any(stalled_s() > MAX_STALL_S for stalled_s in self._stall_timers):
            return False
        try:
            self._path.touch()
        except OSError as error:
            log.warning("the liveness file cannot be written, retrying", path=str(self._path), error=error.strerror)
            return False
        return True


class StallTimer:
    """Seconds since the last `reset`; 0 while `is_excused` returns True."""

    def __init__(self, is_excused: Callable[[], bool]) -> None:
        self._is_excused = is_excused
        self._last_reset_at = time.monotonic()

    def reset(self) -> None:
        """Record progress."""
        self._last_reset_at = time.monotonic()

    def stalled_s(self) -> float:
        """Return the seconds without progress."""
        if self._is_excused():
            self._last_reset_at = time.monotonic()
        return time.monotonic() - self._last_reset_at
