"""Admission control: the worker takes no more messages than it has work for, and keeps slots for interactive ones."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from kombu.utils.scheduling import priority_cycle

from shared.contract.names import Queue
from shared.ledger.script_call import JOBS_PER_MESSAGE

#: One task slot in so many is reserved for interactive messages.
_RESERVED_SHARE: Final = 8

#: Called with the number of images that a message has put into the pipeline, once it has.
OnStarted = Callable[[int], None]


class TaskSlots:
    """Counts the messages in flight by queue, at most `slots` in all. Shared by all threads.

    Messages wait in Redis while the device has enough to do. There they gather: the longer the queue, the more jobs
    come with a message.

    Args:
        slots: Number of task threads.
        count_backlog: Returns how many images of a queue the device can expect soon.
        max_backlog: Returns from how many on the worker takes no more messages.
    """

    def __init__(
        self,
        slots: int,
        *,
        count_backlog: Callable[[Queue], int] = lambda _: 0,
        max_backlog: Callable[[], int] = lambda: 4 * JOBS_PER_MESSAGE,
    ) -> None:
        self._slots = slots
        self._count_backlog = count_backlog
        self._max_backlog = max_backlog
        self._max_bulk = slots - max(1, slots // _RESERVED_SHARE)
        self._in_flight: Counter[Queue] = Counter()
        #: Messages that have not put their images into the pipeline yet.
        self._starting: Counter[Queue] = Counter()
        self._images = 0
        self._min_images = 0
        self._lock = threading.Lock()

    @contextmanager
    def occupy(self, queue: Queue) -> Iterator[OnStarted]:
        """Count a message of `queue` while the context lasts."""
        is_starting, images = True, 0

        def on_started(count: int) -> None:
            nonlocal is_starting, images
            with self._lock:
                self._starting[queue] -= is_starting
                self._images += count - images
                is_starting, images = False, count

        with self._lock:
            self._in_flight[queue] += 1
            self._starting[queue] += 1
        try:
            yield on_started
        finally:
            on_started(0)
            with self._lock:
                self._in_flight[queue] -= 1
                self._min_images = min(self._min_images, self._images)

    def was_saturated(self) -> bool:
        """Return whether at least half of the maximum backlog was in flight all the time since the last call."""
        with self._lock:
            min_images, self._min_images = self._min_images, self._images
        return min_images >= self._max_backlog() / 2

    def is_at_limit(self, queue: Queue) -> bool:
        """Return whether messages of `queue` must wait in their queue until images in flight are done."""
        if queue is Queue.BULK and self._in_flight[Queue.BULK] >= self._max_bulk:
            return True
        # Images of the queues before it are predicted first.
        before = list(Queue)[: list(Queue).index(queue) + 1]
        expected = sum(self._starting[queue] * JOBS_PER_MESSAGE + self._count_backlog(queue) for queue in before)
        return expected >= self._max_backlog()


class PriorityQueueOrder(priority_cycle):  # type: ignore[misc]
    """kombu's order of queues by priority, without those that are at their limit."""

    def __init__(self, task_slots: TaskSlots) -> None:
        super().__init__()
        self._task_slots = task_slots

    @property
    def is_held_back(self) -> bool:
        """Read by `shared.broker.transport`, which then polls again soon."""
        return any(self._task_slots.is_at_limit(queue) for queue in Queue)

    def consume(self, n: int) -> list[str]:
        """Return the first `n` queues to take from, in order."""
        queues: list[str] = super().consume(n)
        return [queue for queue in queues if not self._task_slots.is_at_limit(Queue(queue))]


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
