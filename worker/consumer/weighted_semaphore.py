"""A gate that lets a bounded number of pictures in, first come, first served."""

import threading
from collections import deque


class WeightedSemaphore:
    """At most `room` pictures are inside; a message larger than that enters alone."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._inside = 0
        self._line: deque[object] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def acquire(self, images: int) -> bool:
        """Wait for room in turn. False where the gate was closed meanwhile: nothing was taken."""
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            self._changed.wait_for(lambda: self._closed or (self._line[0] is ticket and self._fits(images)))
            self._line.remove(ticket)
            if not self._closed:
                self._inside += images
            self._changed.notify_all()
            return not self._closed

    def release(self, images: int) -> None:
        """Give the room back."""
        with self._changed:
            self._inside -= images
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody in any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _fits(self, images: int) -> bool:
        return self._inside == 0 or self._inside + images <= self._room
