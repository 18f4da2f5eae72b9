"""Waits for conditions in other threads of the test."""

import time
from collections.abc import Callable


def eventually(probe: Callable[[], object], timeout_s: float = 20) -> None:
    """Call `probe` until its result is true. Fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not probe():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.002)
