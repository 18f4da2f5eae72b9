"""Whether anybody is at work: a run without workers looks like a slow one unless somebody says so."""

import time
from typing import Final

from shared.contract.names import Queue
from shared.ledger import transitions
from shared.ledger.ledger import Ledger

_PATIENCE_S: Final = 5.0
_ASK_EVERY_S: Final = 2.0


class WorkerStatus:
    """Asks the ledger, but only while answers do not come."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._done = -1
        self._since = time.monotonic()
        self._asked = 0.0
        self._said = ""

    def state(self, done: int) -> str:
        """What is being waited for after `done` answers; empty while they flow."""
        now = time.monotonic()
        if done != self._done:
            self._done, self._since, self._said = done, now, ""
        elif now - self._since > _PATIENCE_S and now - self._asked > _ASK_EVERY_S:
            self._asked = now
            self._said = self._ask()
        return self._said

    def _ask(self) -> str:
        counts = self._ledger.run(transitions.get_counts())
        if counts.claimed:
            return f"workers are at {counts.claimed} pictures"
        if counts.incarnations <= 1:  # this process is one of them
            return "waiting: no worker is running"
        if counts.queues[Queue.INTERACTIVE].ready:
            return "waiting: workers serve people first"
        return "waiting: no worker is answering yet"
