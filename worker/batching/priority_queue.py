"""A queue between threads in which urgent pictures go first and equals keep their order."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from shared.contract.names import Queue

T = TypeVar("T")


class PriorityQueue(Generic[T]):
    """Items by the Celery queue that they came from. `close` wakes all readers for good."""

    def __init__(self) -> None:
        self._items: dict[Queue, deque[T]] = {queue: deque() for queue in Queue}
        self._changed = threading.Condition(threading.Lock())
        self._closed = False

    def put(self, queue: Queue, item: T) -> bool:
        """Add an item, or return False where the queue is closed."""
        with self._changed:
            if self._closed:
                return False
            self._items[queue].append(item)
            self._changed.notify()
            return True

    def take(self, choose_count: Callable[[int], int]) -> list[T]:
        """Wait for items and take `how_many(waiting)` of the most urgent queue that has any; [] once closed.

        Queues are not mixed: an urgent picture does not pay for a batch filled up with others.
        """
        with self._changed:
            while True:
                for waiting in self._items.values():
                    if waiting:
                        return [waiting.popleft() for _ in range(choose_count(len(waiting)))]
                if self._closed:
                    return []
                self._changed.wait()

    def close(self) -> list[T]:
        """Take no more items; returns those that were still waiting."""
        with self._changed:
            self._closed = True
            remaining = [item for waiting in self._items.values() for item in waiting]
            for waiting in self._items.values():
                waiting.clear()
            self._changed.notify_all()
            return remaining

    def __len__(self) -> int:
        """How many items wait now."""
        with self._changed:
            return sum(len(waiting) for waiting in self._items.values())
