"""A worker takes no more messages than it has work for, and one that is full of bulk still takes interactive ones."""

from collections import Counter
from contextlib import ExitStack

import pytest
from kombu.transport import redis

from shared.broker.transport import Channel
from shared.contract.names import Queue
from shared.ledger.script_call import JOBS_PER_MESSAGE
from worker.consumer.task_slots import PriorityQueueOrder, TaskSlots

BOTH = [Queue.INTERACTIVE, Queue.BULK]


def order_of(task_slots: TaskSlots) -> list[str]:
    cycle = PriorityQueueOrder(task_slots)
    cycle.update([str(queue) for queue in Queue])
    queues = cycle.consume(len(Queue))
    assert cycle.is_held_back == (len(queues) < len(Queue))
    return queues


def test_order_omits_bulk_when_only_the_reserved_slots_are_free() -> None:
    task_slots = TaskSlots(16)
    with ExitStack() as in_flight:
        for _ in range(13):
            in_flight.enter_context(task_slots.occupy(Queue.BULK))(0)
        assert order_of(task_slots) == BOTH
        with task_slots.occupy(Queue.BULK) as on_started:
            on_started(0)
            assert order_of(task_slots) == [Queue.INTERACTIVE]
        assert order_of(task_slots) == BOTH


def test_order_omits_bulk_while_the_device_has_enough_to_do() -> None:
    backlog = Counter({Queue.BULK: 23})
    task_slots = TaskSlots(64, count_backlog=backlog.__getitem__, max_backlog=lambda: 24)
    assert order_of(task_slots) == BOTH
    backlog[Queue.BULK] = 24
    assert order_of(task_slots) == [Queue.INTERACTIVE], "interactive images are predicted before bulk ones"


def test_interactive_backlog_holds_both_queues_back() -> None:
    backlog = Counter({Queue.INTERACTIVE: 24})
    task_slots = TaskSlots(64, count_backlog=backlog.__getitem__, max_backlog=lambda: 24)
    assert order_of(task_slots) == []


def test_message_that_is_being_claimed_counts_as_full() -> None:
    task_slots = TaskSlots(64, max_backlog=lambda: 2 * JOBS_PER_MESSAGE)
    with task_slots.occupy(Queue.BULK):
        assert order_of(task_slots) == BOTH
        with task_slots.occupy(Queue.BULK) as on_started:
            assert order_of(task_slots) == [Queue.INTERACTIVE]
            on_started(1)
            assert order_of(task_slots) == BOTH, "its one image is in the backlog of the pipeline from now on"


def test_transport_polls_again_soon_while_a_queue_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
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
