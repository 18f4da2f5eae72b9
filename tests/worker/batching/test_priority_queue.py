"""Interactive items go first, equals keep their order, and nothing is lost when the queue closes."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from shared.contract.names import Queue
from tests.worker.polling import eventually
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


def test_reader_of_one_queue_takes_no_other_item_and_no_other_readers_turn() -> None:
    queue: PriorityQueue[str] = PriorityQueue()
    taken: dict[str, list[str]] = {}
    threads = [
        threading.Thread(target=lambda: taken.update(one=queue.take(lambda _: 1, only=Queue.INTERACTIVE))),
        threading.Thread(target=lambda: taken.update(any=queue.take(lambda _: 1))),
    ]
    threads[0].start()  # waits first
    eventually(lambda: _is_waiting(queue, Queue.INTERACTIVE))
    threads[1].start()
    eventually(lambda: _is_waiting(queue, None))
    queue.put(Queue.BULK, "b")
    threads[1].join(20)
    assert taken == {"any": ["b"]}
    queue.put(Queue.BULK, "b2")
    queue.put(Queue.INTERACTIVE, "i")
    threads[0].join(20)
    assert taken == {"any": ["b"], "one": ["i"]}
    assert queue.close() == ["b2"]


def _is_waiting(queue: PriorityQueue[str], only: Queue | None) -> bool:
    return bool(queue._changed[only]._waiters)  # type: ignore[attr-defined]


@given(
    puts=st.lists(st.sampled_from([*Queue]), max_size=30),
    counts=st.lists(st.integers(1, 8), min_size=30, max_size=30),
)
def test_every_item_is_taken_once_in_order_of_priority_and_arrival(puts: list[Queue], counts: list[int]) -> None:
    queue: PriorityQueue[tuple[Queue, int]] = PriorityQueue()
    for number, name in enumerate(puts):
        queue.put(name, (name, number))
    batches: list[list[tuple[Queue, int]]] = []

    def choose(waiting: int) -> int:
        return min(waiting, counts[len(batches)])

    while len(queue) and len(batches) < len(counts):
        batches += [queue.take(choose)]
    taken = [item for batch in batches for item in batch]
    expected = [(name, number) for each in Queue for number, name in enumerate(puts) if name is each]
    assert taken == expected[: len(taken)]
    assert all(len({name for name, _ in batch}) == 1 for batch in batches)
    assert queue.close() == expected[len(taken) :]
