"""Names that cross a process boundary. A change here changes the contract."""

from enum import StrEnum
from typing import Final

#: Version of the job and decision contracts. Each job carries its version; a reader refuses a version it does not know.
CONTRACT_VERSION: Final = 2

#: Version of the ledger's keys, fields and scripts. A process does not start on a ledger of another version.
LEDGER_VERSION: Final = 2

#: The one Celery task. Its messages carry job ids and wake workers.
CLASSIFY_TASK: Final = "melanoma.classify"

#: Log event of a worker that consumes messages from now on. Scripts that start workers wait for it.
READY_EVENT: Final = "worker ready"

#: Log event of a bot that takes updates from now on.
BOT_READY_EVENT: Final = "bot ready"


class Queue(StrEnum):
    """Celery queues, highest priority first. Workers drain them in this order."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class Stage(StrEnum):
    """Stage of a job. `CANCELLED` can follow any stage but `ANSWERED`."""

    RECEIVED = "received"
    READY = "ready"
    CLAIMED = "claimed"
    DECIDED = "decided"
    ANSWERED = "answered"
    CANCELLED = "cancelled"
