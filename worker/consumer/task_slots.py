"""Admission control: reserves one task slot in eight for interactive messages."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kombu.utils.scheduling import priority_cycle

from shared.contract.names import Queue

#: One task slot in so many is reserved for interactive messages.
_RESERVED_SHARE: Final = 8


class TaskSlots:
    """Counts the messages in flight by queue, at most `slots` in all. Shared by all threads."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._min_in_flight = 0
        self._max_bulk = slots - max(1, slots // _RESERVED_SHARE)
        self._in_flight: Counter[Queue] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def occupy(self, queue: Queue) -> Iterator[None]:
        """Count a message of `queue` while the context lasts."""
        with self._lock:
            self._in_flight[queue] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight[queue] -= 1
                self._min_in_flight = min(self._min_in_flight, self._in_flight.total())

    def was_saturated(self) -> bool:
        """Return whether at least half of the slots were occupied all the time since the last call."""
        with self._lock:
            min_in_flight, self._min_in_flight = self._min_in_flight, self._in_flight.total()
        return min_in_flight >= self._slots / 2

    @property
    def is_bulk_at_limit(self) -> bool:
        """True while bulk messages must wait in their queue until one in flight is done."""
        return self._in_flight[Queue.BULK] >= self._max_bulk


class PriorityQueueOrder(priority_cycle):  # type: ignore[misc]
    """kombu's order of queues by priority, without the bulk queue while `task_slots` is at its limit for bulk."""

    def __init__(self, task_slots: TaskSlots) -> None:
        super().__init__()
        self._task_slots = task_slots

    @property
    def is_bulk_at_limit(self) -> bool:
        """Read by `shared.broker.transport`, which then polls again soon."""
        return self._task_slots.is_bulk_at_limit

    def consume(self, n: int) -> list[str]:
        """Return the first `n` queues to take from, in order."""
        queues: list[str] = super().consume(n)
        return [queue for queue in queues if queue != Queue.BULK] if self.is_bulk_at_limit else queues


class QueueOrderStrategy:
    """Makes the order of queues for each of kombu's channels. kombu takes a name or a callable.

    Flower shows the options of the transport, so this can be written as JSON.
    """

    def __init__(self, task_slots: TaskSlots) -> None:
        self._task_slots = task_slots

    def __call__(self) -> PriorityQueueOrder:
        """Return a new order of queues."""
        return PriorityQueueOrder(self._task_slots)

    def __json__(self) -> str:
        """Return what kombu writes as JSON."""
        return "priority"
