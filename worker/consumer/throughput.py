"""How many pictures a second this worker brings to their decision while it has more than enough to do."""

import threading
import time
from collections.abc import Callable
from typing import Final

from worker.consumer.task_slots import TaskSlots

#: Weight of a new reading; there is one about every second.
_WEIGHT: Final = 0.3

#: A rate that was not seen for so long says nothing of now. Seconds.
_MAX_AGE_S: Final = 300.0


class ThroughputEstimator:
    """What people are told of their wait rests on this: it holds whatever is narrowest, decode or a busy machine.

    It is measured while at least half of the slots of `intake` were full. Before that it is `estimate`, which knows the
    device only. Safe to share between threads; `speed` is asked by one.
    """

    def __init__(
        self, task_slots: TaskSlots, device_rate: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._task_slots = task_slots
        self._device_rate = device_rate
        self._clock = clock
        self._lock = threading.Lock()
        self._decided = 0
        self._read_at = clock()
        self._rate: float | None = None
        self._measured_at = 0.0

    def record(self, images: int) -> None:
        """Count pictures that were decided."""
        with self._lock:
            self._decided += images

    def images_per_second(self) -> float:
        """Pictures a second, from what was decided since this was last asked."""
        now = self._clock()
        with self._lock:
            done, self._decided = self._decided, 0
        elapsed, self._read_at = now - self._read_at, now
        if self._task_slots.was_saturated() and elapsed > 0:
            rate = done / elapsed
            self._rate = rate if self._rate is None else self._rate + _WEIGHT * (rate - self._rate)
            self._measured_at = now
        if self._rate is not None and now - self._measured_at > _MAX_AGE_S:
            self._rate = None
        return self._device_rate() if self._rate is None else min(self._rate, self._device_rate())
