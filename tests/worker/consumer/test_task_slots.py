"""A worker that is full of bulk messages still has a slot for an interactive one."""

from contextlib import ExitStack

import pytest
from kombu.transport import redis

from shared.broker.transport import Channel
from shared.contract.names import Queue
from worker.consumer.task_slots import PriorityQueueOrder, TaskSlots

QUEUES = [str(queue) for queue in Queue]


def test_order_omits_bulk_when_only_the_reserved_slots_are_free() -> None:
    task_slots = TaskSlots(16)
    cycle = PriorityQueueOrder(task_slots)
    cycle.update(QUEUES)
    with ExitStack() as in_flight:
        for _ in range(13):
            in_flight.enter_context(task_slots.occupy(Queue.BULK))
        assert cycle.consume(2) == [Queue.INTERACTIVE, Queue.BULK]
        with task_slots.occupy(Queue.BULK):
            assert cycle.consume(2) == [Queue.INTERACTIVE]
            assert cycle.is_bulk_at_limit
        assert cycle.consume(2) == [Queue.INTERACTIVE, Queue.BULK]


def test_interactive_messages_do_not_limit_bulk() -> None:
    task_slots = TaskSlots(4)
    with ExitStack() as in_flight:
        for _ in range(4):
            in_flight.enter_context(task_slots.occupy(Queue.INTERACTIVE))
        assert not task_slots.is_bulk_at_limit


def test_transport_polls_again_soon_while_bulk_is_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transport reads the property of the order by its name."""
    timeouts: list[float | None] = []
    monkeypatch.setattr(redis.Channel, "_brpop_start", lambda _self, timeout=None: timeouts.append(timeout))
    task_slots = TaskSlots(2)
    channel = Channel.__new__(Channel)
    channel._queue_cycle = PriorityQueueOrder(task_slots)
    channel._brpop_start(10)
    with task_slots.occupy(Queue.BULK):
        channel._brpop_start(10)
    assert timeouts[0] == 10
    assert timeouts[1] is not None
    assert timeouts[1] < 1
