"""Celery messages that ring for a worker. They may be lost or doubled: the ledger knows better."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from shared.contract.names import CLASSIFY_TASK
from shared.ledger.ledger import group_by_queue
from shared.ledger.records import PendingDispatch

log = structlog.get_logger(__name__)

#: Sending does not wait for a broker that is away: the sweep rings again once it is back.
#: Workers declare the queues; a declaration with each message would cost as much as the message.
_SEND_OPTIONS: Final = {"retry": False, "ignore_result": True, "declare": []}


class TaskPublisher:
    """Sends `classify([job ids])`, at most `shard` ids a message."""

    def __init__(self, app: Celery, *, shard: int) -> None:
        self._app = app
        self._shard = shard

    def publish(self, pending: Iterable[PendingDispatch]) -> None:
        """Send the messages that are owed. Never raises for a broker that is away."""
        for queue, ids in group_by_queue(pending).items():
            for chunk in _chunks(ids, self._shard):
                try:
                    self._app.send_task(
                        CLASSIFY_TASK, args=(chunk,), queue=str(queue), argsrepr=_summary(chunk), **_SEND_OPTIONS
                    )
                except (OperationalError, RedisError, OSError) as error:
                    log.warning("message not sent, the sweep will ring again", queue=queue, error=str(error))
                    return


def _chunks(ids: Sequence[str], size: int) -> Iterable[list[str]]:
    remaining = iter(ids)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _summary(ids: Sequence[str]) -> str:
    """What Flower shows of a message."""
    return ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more"
