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


#: Roles of processes, with which the names of their incarnations begin. That of a folder command is `FOLDER_RUNS`.
WORKER_ROLE: Final = "worker"
BOT_ROLE: Final = "bot"

#: Outbox of the photographs that people send to the bot.
TELEGRAM_PHOTOS: Final = "telegram"

#: Key in the ledger's Redis: id of the bot whose replicas use it. It expires soon after the last of them has stopped.
BOT_ID_KEY: Final = "melanoma:telegram:bot-id"

#: Kind of the outboxes of folder runs. The name of such an outbox is the prefix and the id of the run.
FOLDER_RUNS: Final = "bulk"
FOLDER_RUN_PREFIX: Final = f"{FOLDER_RUNS}:"


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
