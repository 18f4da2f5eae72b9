"""Status of the workers, for the progress display: without it a run without workers would look like a slow run."""

import time
from typing import Final

from shared.contract.names import Queue
from shared.ledger import admin
from shared.ledger.ledger import Ledger

# Seconds without a result after which the ledger is asked.
_QUIET_S: Final = 5.0
_ASK_INTERVAL_S: Final = 2.0


class WorkerStatus:
    """Asks the ledger about the workers, but only while no results arrive."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._done = -1
        self._done_changed = time.monotonic()
        self._asked = 0.0
        self._status = ""

    def describe(self, done: int) -> str:
        """Say what the run is waiting for after `done` results; empty while results arrive."""
        now = time.monotonic()
        if done != self._done:
            self._done, self._done_changed, self._status = done, now, ""
        elif now - self._done_changed > _QUIET_S and now - self._asked > _ASK_INTERVAL_S:
            self._asked = now
            self._status = self._ask()
        return self._status

    def _ask(self) -> str:
        overview = self._ledger.run(admin.get_overview())
        paused_s = overview.queues[Queue.BULK].paused_s
        if paused_s is not None:
            return f"waiting: an operator paused folder runs {_ago(paused_s)} (melanoma-ops resume bulk)"
        if overview.claimed:
            return f"workers are processing {overview.claimed} pictures"
        if not any(process.role == "worker" for process in overview.processes):
            return "waiting: no worker is running"
        if overview.queues[Queue.INTERACTIVE].ready:
            return "waiting: workers serve chat users first"
        return "waiting: no worker is answering yet"


def _ago(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'} ago" if minutes else "just now"
