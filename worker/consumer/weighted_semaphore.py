"""A gate that lets a bounded number of pictures in, first come, first served."""

import threading
from collections import deque


class WeightedSemaphore:
    """At most `room` pictures are inside; a message larger than that enters alone."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._acquired = 0
        self._waiters: deque[object] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def acquire(self, weight: int) -> bool:
        """Wait for room in turn. False where the gate was closed meanwhile: nothing was taken."""
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
        """Give the room back."""
        with self._changed:
            self._acquired -= weight
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody in any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fits(self, weight: int) -> bool:
        return self._acquired == 0 or self._acquired + weight <= self._capacity
