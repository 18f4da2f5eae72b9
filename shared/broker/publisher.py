"""Publishes the Celery messages that wake workers. Lost and duplicate messages do no harm: jobs are in the ledger.

The ledger says for which jobs a message is owed: for each while few messages wait, for one of many under load.
"""

from collections.abc import Iterable
from typing import Final

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from shared.contract.names import CLASSIFY_TASK
from shared.ledger.records import PendingDispatch

log = structlog.get_logger(__name__)

#: Publishing does not wait for an unavailable broker: the recovery sweep publishes again once it is back.
#: Workers declare the queues; a declaration with each message would cost as much as the message.
_SEND_OPTIONS: Final = {"retry": False, "ignore_result": True, "declare": []}


class TaskPublisher:
    """Publishes `classify([job id])`."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def publish(self, pending: Iterable[PendingDispatch]) -> None:
        """Publish the messages of `pending`. Never raises if the broker is unavailable."""
        for job in pending:
            try:
                # Flower shows `argsrepr`.
                self._app.send_task(
                    CLASSIFY_TASK, args=([job.id],), queue=str(job.queue), argsrepr=job.id, **_SEND_OPTIONS
                )
            except (OperationalError, RedisError, OSError) as error:
                log.warning(
                    "message was not published, the recovery sweep will retry", queue=job.queue, error=str(error)
                )
                return
