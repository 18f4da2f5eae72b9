"""Interactive items go first, equals keep their order, and nothing is lost when the queue closes."""

import threading

from shared.contract.names import Queue
from worker.batching.priority_queue import PriorityQueue


def test_take_prefers_interactive_items_and_never_mixes_queues() -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    for name in ("b1", "b2", "b3"):
        queue.put(Queue.BULK, name)
    for name in ("i1", "i2"):
        queue.put(Queue.INTERACTIVE, name)
    assert queue.take(lambda waiting: waiting) == ["i1", "i2"]
    assert queue.take(lambda _: 2) == ["b1", "b2"]
    assert queue.take(lambda waiting: waiting) == ["b3"]


def test_close_returns_waiting_items_and_wakes_readers() -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    taken: list[list[str]] = []
    reader = threading.Thread(target=lambda: taken.append(queue.take(lambda waiting: waiting)))
    reader.start()
    assert queue.close() == []
    reader.join(5)
    assert taken == [[]]
    assert queue.put(Queue.BULK, "late") is False

    other: PriorityQueue[str] = PriorityQueue()
    other.put(Queue.BULK, "b")
    other.put(Queue.INTERACTIVE, "i")
    assert other.close() == ["i", "b"]
    assert len(other) == 0
