"""A semaphore whose holders have weights. Waiters are served first come, first served."""

import threading
from collections import deque


class WeightedSemaphore:
    """Holders weigh at most `capacity` together. A heavier holder holds the semaphore alone."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._acquired = 0
        self._waiters: deque[object] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def acquire(self, weight: int) -> bool:
        """Wait in turn for free capacity. Returns False, with nothing acquired, if the semaphore is closed."""
        ticket = object()
        with self._changed:
            self._waiters.append(ticket)
            self._changed.wait_for(lambda: self._closed or (self._waiters[0] is ticket and self._fits(weight)))
            self._waiters.remove(ticket)
            if not self._closed:
                self._acquired += weight
            self._changed.notify_all()
            return not self._closed

    def release(self, weight: int) -> None:
        """Release what was acquired."""
        with self._changed:
            self._acquired -= weight
            self._changed.notify_all()

    def close(self) -> None:
        """Let all waiters and later callers of `acquire` fail."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fits(self, weight: int) -> bool:
        return self._acquired == 0 or self._acquired + weight <= self._capacity
