"""Learns how long a batch of each size takes on this device and chooses the size of the next batch."""

from bisect import bisect_left
from typing import Final

#: Weight of a new measurement: a short disturbance changes an estimate little, a lasting change within ten batches.
_WEIGHT: Final = 0.2

#: Weight of a measurement whose predecessor is `_REMEASURE_INTERVAL` batches old or older.
_STALE_WEIGHT: Final = 0.5

#: After every so many batches, the next batch has the size that was measured longest ago. Otherwise a disturbance
#: during the warm-up, or by another process that has ended since, would rule a size out for good.
_REMEASURE_INTERVAL: Final = 32

#: A batch size may cost this factor of the best cost per image. The smallest such size is chosen: it answers first.
_COST_TOLERANCE: Final = 1.05

#: The same factor in low-latency mode, where an interactive image may have to wait for the batch before it.
_LOW_LATENCY_COST_TOLERANCE: Final = 1.25


class BatchCostModel:
    """Seconds per batch, by batch size from 1 to `max_size`. Only one thread may call `observe`."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._seconds: dict[int, float] = {}
        self._sizes: list[int] = []
        self._observed_at: dict[int, int] = {}
        self._batch_count = 0

    def set_max_size(self, max_size: int) -> None:
        """Limit the batch size to `max_size`. Safe to call from any thread."""
        self._max_size = max_size

    def observe(self, size: int, seconds: float) -> None:
        """Record that a batch of `size` images took `seconds`."""
        self._batch_count += 1
        is_stale = self._batch_count - self._observed_at.get(size, 0) >= _REMEASURE_INTERVAL
        self._observed_at[size] = self._batch_count
        previous_s = self._seconds.get(size)
        if previous_s is None:
            self._sizes.insert(bisect_left(self._sizes, size), size)
            self._seconds[size] = seconds
        else:
            self._seconds[size] = previous_s + (_STALE_WEIGHT if is_stale else _WEIGHT) * (seconds - previous_s)

    def estimate_s(self, size: int) -> float:
        """Estimate the seconds of a batch of `size` images, linearly between measured sizes.

        Raises:
            ValueError: No size has been measured yet.
        """
        if not self._sizes:
            raise ValueError("no batch has been measured yet")
        if size in self._seconds:
            return self._seconds[size]
        index = bisect_left(self._sizes, size)
        if index == 0:
            return self._seconds[self._sizes[0]]
        if index == len(self._sizes):
            largest = self._sizes[-1]
            return self._seconds[largest] * size / largest
        low, high = self._sizes[index - 1], self._sizes[index]
        share = (size - low) / (high - low)
        return self._seconds[low] + share * (self._seconds[high] - self._seconds[low])

    def images_per_second(self) -> float:
        """Return the highest rate of all measured sizes, 0 if there is none. Safe to call from any thread."""
        return max((size / self._seconds[size] for size in tuple(self._sizes) if size in self._seconds), default=0.0)

    def get_best_size(self) -> int:
        """Return the size that `choose_size` prefers when any number of images waits. Safe to call from any thread."""
        sizes = [size for size in tuple(self._sizes) if size <= self._max_size and size in self._seconds]
        return self._choose_cheap(sizes, _COST_TOLERANCE) if sizes else 1

    def choose_size(self, waiting: int, *, low_latency: bool = False) -> int:
        """Choose the smallest batch size whose cost per image is about the lowest.

        Of seventeen images, sixteen may form this batch and one the next.

        Args:
            waiting: Number of images that wait, at least 1.
            low_latency: Prefer smaller batches even if they cost somewhat more, and try no size only to measure it.
        """
        limit = min(waiting, self._max_size)  # read once: other threads may change it
        candidates = [size for size in self._sizes if size < limit]
        candidates.append(limit)
        if self._batch_count % _REMEASURE_INTERVAL == 0 and not low_latency:
            return min(candidates, key=lambda size: self._observed_at.get(size, 0))
        return self._choose_cheap(candidates, _LOW_LATENCY_COST_TOLERANCE if low_latency else _COST_TOLERANCE)

    def _choose_cheap(self, candidates: list[int], tolerance: float) -> int:
        costs = [self.estimate_s(size) / size for size in candidates]
        max_cost = min(costs) * tolerance
        return next(size for size, cost in zip(candidates, costs, strict=True) if cost <= max_cost)
