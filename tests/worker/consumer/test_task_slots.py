"""A worker whose slots are full of bulk messages still has one for a person."""

from contextlib import ExitStack

from shared.contract.names import Queue
from worker.consumer.task_slots import PriorityQueueOrder, TaskSlots

QUEUES = [str(queue) for queue in Queue]


def test_bulk_never_fills_the_last_slots() -> None:
    intake = TaskSlots(16)
    cycle = PriorityQueueOrder(intake)
    cycle.update(QUEUES)
    with ExitStack() as in_hand:
        for _ in range(13):
            in_hand.enter_context(intake.occupy(Queue.BULK))
        assert cycle.consume(2) == [Queue.INTERACTIVE, Queue.BULK]
        with intake.occupy(Queue.BULK):
            assert cycle.consume(2) == [Queue.INTERACTIVE]
            assert cycle.is_bulk_at_limit
        assert cycle.consume(2) == [Queue.INTERACTIVE, Queue.BULK]


def test_interactive_messages_hold_nothing_back() -> None:
    intake = TaskSlots(4)
    with ExitStack() as in_hand:
        for _ in range(4):
            in_hand.enter_context(intake.occupy(Queue.INTERACTIVE))
        assert not intake.is_bulk_at_limit
