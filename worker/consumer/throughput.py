"""Estimates how many images a second this worker decides while it is saturated."""

import threading
import time
from collections.abc import Callable
from typing import Final

from worker.consumer.task_slots import TaskSlots

#: Weight of a new reading. There is about one a second.
_WEIGHT: Final = 0.3

#: Age in seconds above which a measured rate is discarded.
_MAX_AGE_S: Final = 300.0


class ThroughputEstimator:
    """Exponentially weighted rate of decisions. The bot computes the expected wait from it.

    The rate is measured end to end, so it shows any bottleneck, other processes on the machine included. It is measured
    only while at least half of the task slots are occupied. Until then, `device_rate` is the estimate.

    Any thread may call `record`; only one may call `images_per_second`.

    Args:
        task_slots: Tells whether the worker is saturated.
        device_rate: Returns the images a second that the device can predict. The estimate is never above it.
        clock: Returns seconds; replaced in tests.
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
        """Count images that were decided."""
        with self._lock:
            self._decided += images

    def images_per_second(self) -> float:
        """Return the estimate, updated by what was decided since the last call."""
        now = self._clock()
        with self._lock:
            decided, self._decided = self._decided, 0
        elapsed, self._read_at = now - self._read_at, now
        if self._task_slots.was_saturated() and elapsed > 0:
            rate = decided / elapsed
            self._rate = rate if self._rate is None else self._rate + _WEIGHT * (rate - self._rate)
            self._measured_at = now
        if self._rate is not None and now - self._measured_at > _MAX_AGE_S:
            self._rate = None
        return self._device_rate() if self._rate is None else min(self._rate, self._device_rate())
