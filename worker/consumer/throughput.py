"""How many pictures a second this worker brings to their decision while it has more than enough to do."""

import threading
import time
from collections.abc import Callable
from typing import Final

from worker.consumer.task_slots import TaskSlots

#: Weight of a new reading; there is one about every second.
_WEIGHT: Final = 0.3

#: A rate that was not seen for so long says nothing of now. Seconds.
_KNOWN_S: Final = 300.0


class ThroughputEstimator:
    """What people are told of their wait rests on this: it holds whatever is narrowest, decode or a busy machine.

    It is measured while at least half of the slots of `intake` were full. Before that it is `estimate`, which knows the
    device only. Safe to share between threads; `speed` is asked by one.
    """

    def __init__(
        self, intake: TaskSlots, estimate: Callable[[], float], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._intake = intake
        self._estimate = estimate
        self._clock = clock
        self._lock = threading.Lock()
        self._done = 0
        self._asked_at = clock()
        self._rate: float | None = None
        self._seen_at = 0.0

    def record(self, images: int) -> None:
        """Count pictures that were decided."""
        with self._lock:
            self._done += images

    def images_per_second(self) -> float:
        """Pictures a second, from what was decided since this was last asked."""
        now = self._clock()
        with self._lock:
            done, self._done = self._done, 0
        elapsed, self._asked_at = now - self._asked_at, now
        if self._intake.was_saturated() and elapsed > 0:
            rate = done / elapsed
            self._rate = rate if self._rate is None else self._rate + _WEIGHT * (rate - self._rate)
            self._seen_at = now
        if self._rate is not None and now - self._seen_at > _KNOWN_S:
            self._rate = None
        return self._estimate() if self._rate is None else min(self._rate, self._estimate())
