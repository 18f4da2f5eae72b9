"""A sign of life for whoever runs the worker: a file that is touched while work makes progress."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger(__name__)

_INTERVAL_S: Final = 1.0
#: No batch takes as long as this, nor does Celery's loop pause for it. Seconds.
MAX_STALL_S: Final = 60.0


class LivenessFile:
    """A thread that touches `path` unless one of `stuck` says for how many seconds it has made no progress.

    A process that merely exists, and a worker whose predict thread or message loop hangs, touch nothing. Waiting for
    a Redis that is away is no hang: starting anew would not bring it back.
    """

    def __init__(self, path: Path, *stuck: Callable[[], float]) -> None:
        self._path = path
        self._stall_timers = stuck
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Touch no more."""
        self._stop.set()

    def touch_if_alive(self) -> bool:
        """Touch the file where nothing is stuck; whether it did."""
        if any(stuck() > MAX_STALL_S for stuck in self._stall_timers):
            return False
        self._path.touch()
        return True

    def _run(self) -> None:
        while not self._stop.wait(_INTERVAL_S):
            try:
                self.touch_if_alive()
            except OSError as error:
                log.warning("the sign of life cannot be written", path=str(self._path), error=error.strerror)


class StallTimer:
    """Seconds since something last happened; 0 while `excused` says that it cannot."""

    def __init__(self, is_excused: Callable[[], bool]) -> None:
        self._is_excused = is_excused
        self._last_reset_at = time.monotonic()

    def reset(self) -> None:
        """It happened."""
        self._last_reset_at = time.monotonic()

    def stalled_s(self) -> float:
        """For how long it did not."""
        if self._is_excused():
            self._last_reset_at = time.monotonic()
        return time.monotonic() - self._last_reset_at
