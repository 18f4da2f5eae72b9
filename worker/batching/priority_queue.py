"""A queue between threads: interactive items go before bulk items, and equals keep their order."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from shared.contract.names import Queue

T = TypeVar("T")


class PriorityQueue(Generic[T]):
    """Items by the Celery queue that they came from. After `close` no reader waits any more."""

    def __init__(self) -> None:
        self._items: dict[Queue, deque[T]] = {queue: deque() for queue in Queue}
        self._lock = threading.Lock()
        # Readers of all queues, and readers of one queue, which must not use up the notifications of the others.
        self._changed = {only: threading.Condition(self._lock) for only in (None, *Queue)}
        self._closed = False

    def put(self, queue: Queue, item: T) -> bool:
        """Add an item. Returns False if the queue is closed."""
        with self._lock:
            if self._closed:
                return False
            self._items[queue].append(item)
            self._changed[None].notify()
            self._changed[queue].notify()
            return True

    def take(self, choose_count: Callable[[int], int], *, only: Queue | None = None) -> list[T]:
        """Wait for items and take from one queue: the first in priority order that has items.

        Queues are not mixed: an interactive image does not pay for a batch filled up with bulk images.

        Args:
            choose_count: Returns how many items to take, given how many there are.
            only: Take from this queue only.

        Returns:
            The items, or [] once the queue is closed.
        """
        with self._lock:
            while True:
                for queue, waiting in self._items.items():
                    if waiting and only in (None, queue):
                        return [waiting.popleft() for _ in range(choose_count(len(waiting)))]
                if self._closed:
                    return []
                self._changed[only].wait()

    def close(self) -> list[T]:
        """Accept no more items. Returns those that were still waiting."""
        with self._lock:
            self._closed = True
            remaining = [item for waiting in self._items.values() for item in waiting]
            for waiting in self._items.values():
                waiting.clear()
            for changed in self._changed.values():
                changed.notify_all()
            return remaining

    def count(self, queue: Queue) -> int:
        """Return the number of waiting items of one queue."""
        return len(self._items[queue])

    def __len__(self) -> int:
        """Return the number of waiting items."""
        with self._lock:
            return sum(len(waiting) for waiting in self._items.values())
