"""Turns Ctrl-C and SIGTERM into a request to stop."""

import signal
import threading
from types import FrameType
from typing import Final

#: Added to the number of the signal that ended the run.
EXIT_SIGNAL: Final = 128


class StopSignal:
    """Takes over SIGINT and SIGTERM. The first of them sets `event`; the second ends the process at once."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.exit_code = EXIT_SIGNAL + signal.SIGINT
        self._previous = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.event.set()
        self.exit_code = EXIT_SIGNAL + number
        for known, handler in self._previous.items():
            signal.signal(known, handler)
