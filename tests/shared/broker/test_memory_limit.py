"""At Redis' memory limit messages are published, and workers start and connect again: accepted jobs are decided."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import TestWorkController, setup_app_for_worker
from celery.utils.nodenames import anon_nodename

from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.contract.names import CLASSIFY_TASK, Queue
from shared.ledger.records import PendingDispatch
from tests.shared.ledger.steps import at_memory_limit
from worker.consumer.celery_consumer import EventBatchingConsumer
from worker.consumer.task_slots import QueueOrderStrategy, TaskSlots


@pytest.fixture
def app(redis_url: str) -> Iterator[Celery]:
    with create_celery_app(redis_url) as app:
        yield app


def publish(app: Celery, *ids: str) -> None:
    TaskPublisher(app).publish([PendingDispatch(Queue.BULK, id_) for id_ in ids])


def test_a_full_redis_takes_messages(app: Celery, client: Any) -> None:
    with at_memory_limit(client):
        publish(app, "a", "b")
    assert client.llen(str(Queue.BULK)) == 2


@contextmanager
def running_worker(app: Celery) -> Iterator[None]:
    """A real Celery worker in a thread, without Celery's own set-up of logging and signals."""
    setup_app_for_worker(app, "ERROR", None)
    worker = TestWorkController(
        app=app,
        concurrency=2,
        pool="threads",
        loglevel="ERROR",
        hostname=anon_nodename(),
        ready_callback=None,
        without_mingle=True,
        without_gossip=True,
        consumer_cls=EventBatchingConsumer,
        task_events=True,
    )
    thread = threading.Thread(target=worker.start, daemon=True)
    thread.start()
    try:
        assert worker._on_started.wait(20), "the worker did not start"
        yield
    finally:
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()


def test_a_worker_starts_and_connects_again_while_redis_is_full(app: Celery, client: Any) -> None:
    taken: queue.Queue[str] = queue.Queue()

    @app.task(name=CLASSIFY_TASK)  # type: ignore[untyped-decorator]
    def classify(ids: list[str]) -> None:
        taken.put(ids[0])

    with at_memory_limit(client), running_worker(app):
        publish(app, "a")
        assert taken.get(timeout=20) == "a"
        client.client_kill_filter(_type="normal", skipme=True)
        client.client_kill_filter(_type="pubsub")
        publish(app, "b")
        assert taken.get(timeout=20) == "b"


def test_flower_can_read_what_it_shows_of_a_worker_although_no_binding_is_stored(app: Celery, client: Any) -> None:
    # As the worker does it.
    app.conf.broker_transport_options["queue_order_strategy"] = QueueOrderStrategy(TaskSlots(2))
    flower = Celery("flower", broker=app.conf.broker_url, broker_transport="kombu.transport.redis:Transport")
    with running_worker(app), flower:
        assert client.keys("_kombu.binding.*") == []
        for method in ("stats", "active_queues", "registered", "conf"):
            answers = getattr(flower.control.inspect(timeout=10, limit=1), method)()
            assert answers, f"the worker could not answer {method}"
            (answer,) = answers.values()
            assert "error" not in answer
