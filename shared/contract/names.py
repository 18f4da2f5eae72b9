"""Names that cross a process boundary. A change here is a change of the contract."""

from enum import StrEnum
from typing import Final

#: Version of the job and decision contracts. Each job carries its own; a reader refuses a version that it does not know.
CONTRACT_VERSION: Final = 2

#: Version of the ledger's keys, fields and scripts. All processes on one Redis must have the same; one that has not
#: does not start.
LEDGER_VERSION: Final = 2

#: The one Celery task: a doorbell that carries job ids.
CLASSIFY_TASK: Final = "melanoma.classify"

#: Log event of a worker that takes messages from now on: whoever starts workers waits for it.
READY_EVENT: Final = "worker ready"

#: The same of a bot.
BOT_READY_EVENT: Final = "bot ready"


class Queue(StrEnum):
    """Celery queues, most urgent first. The order is the order in which workers drain them."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class Stage(StrEnum):
    """Where a job is in its life. `CANCELLED` can follow any other stage but `ANSWERED`."""

    RECEIVED = "received"
    READY = "ready"
    CLAIMED = "claimed"
    DECIDED = "decided"
    ANSWERED = "answered"
    CANCELLED = "cancelled"
