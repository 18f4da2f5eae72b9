"""A Celery worker with the consumer of our workers and a task that stores its ids, in a process of its own."""

import sys
from typing import Any

from celery.signals import setup_logging
from redis import Redis

from shared.broker.app import create_celery_app
from shared.config.settings import Settings
from shared.contract.names import CLASSIFY_TASK, Queue
from shared.log import set_up_logging
from worker.consumer import celery_consumer


def main(url: str, *options: str) -> int:
    """Work until stopped."""
    for option in options:
        celery_consumer._ACCESS_GRACE_S = float(option.partition("=")[2])  # type: ignore[misc]
    set_up_logging(Settings(log_format="json"))
    # As in a worker: otherwise Celery sets up its own logging.
    setup_logging.connect(lambda **_: None, weak=False)
    app = create_celery_app(url)
    handled: Any = Redis.from_url(url)
    # The connection is there before Redis refuses any.
    handled.ping()

    @app.task(name=CLASSIFY_TASK)  # type: ignore[untyped-decorator]
    def classify(ids: list[str]) -> None:
        handled.rpush("handled", *ids)

    worker: Any = app.Worker(
        consumer_cls=celery_consumer.EventBatchingConsumer,
        pool="threads",
        concurrency=2,
        queues=[str(queue) for queue in Queue],
        task_events=True,
        without_gossip=True,
        without_mingle=True,
        loglevel="WARNING",
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
