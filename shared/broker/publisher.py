"""Publishes the Celery messages that wake workers. Lost and duplicate messages do no harm: jobs are in the ledger."""

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

#: Publishing does not wait for an unavailable broker: the recovery sweep publishes again once it is back.
#: Workers declare the queues; a declaration with each message would cost as much as the message.
_SEND_OPTIONS: Final = {"retry": False, "ignore_result": True, "declare": []}


class TaskPublisher:
    """Publishes `classify([job ids])`, at most `shard` ids in a message."""

    def __init__(self, app: Celery, *, shard: int) -> None:
        self._app = app
        self._shard = shard

    def publish(self, pending: Iterable[PendingDispatch]) -> None:
        """Publish the messages of `pending`. Never raises if the broker is unavailable."""
        for queue, ids in group_by_queue(pending).items():
            for chunk in _chunks(ids, self._shard):
                try:
                    self._app.send_task(
                        CLASSIFY_TASK, args=(chunk,), queue=str(queue), argsrepr=_summary(chunk), **_SEND_OPTIONS
                    )
                except (OperationalError, RedisError, OSError) as error:
                    log.warning(
                        "message was not published, the recovery sweep will retry", queue=queue, error=str(error)
                    )
                    return


def _chunks(ids: Sequence[str], size: int) -> Iterable[list[str]]:
    remaining = iter(ids)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _summary(ids: Sequence[str]) -> str:
    """Text that Flower shows for a message."""
    return ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more"
