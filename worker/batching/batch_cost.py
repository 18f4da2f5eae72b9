"""How long a batch of n pictures takes on this device, learned while it runs, and which size pays."""

from bisect import bisect_left
from typing import Final

#: Weight of a new measurement: a passing disturbance moves the curve little, a lasting change within ten batches.
_WEIGHT: Final = 0.2

#: Weight where the last measurement is as long ago as `_LOOK_AGAIN_EVERY` batches.
_STALE_WEIGHT: Final = 0.5

#: Every so many batches the size that was measured longest ago is taken again: a disturbance while warming, or a
#: neighbour on the machine that has gone, must not rule a size out for good.
_REMEASURE_INTERVAL: Final = 32

#: A size whose cost a picture is within this share of the best is as good, and a smaller one answers sooner.
_COST_TOLERANCE: Final = 1.05

#: The same while people wait: somebody's picture may have to wait for the batch before it.
_LOW_LATENCY_COST_TOLERANCE: Final = 1.25


class BatchCostModel:
    """Seconds a batch by its size, for sizes from 1 to `largest`. Taught by one thread."""

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._seconds: dict[int, float] = {}
        self._sizes: list[int] = []
        self._observed_at: dict[int, int] = {}
        self._batch_count = 0

    def set_max_size(self, max_size: int) -> None:
        """Let no batch be larger than `largest`. May be asked by other threads."""
        self._max_size = max_size

    def observe(self, size: int, seconds: float) -> None:
        """Take in that a batch of `size` took `seconds`."""
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
        """Expected seconds of a batch of `size`, linear between known sizes. Raises `ValueError` if none is known."""
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
        """Most pictures a second that any known size gives; 0 if none is known. May be asked by other threads."""
        return max((size / self._seconds[size] for size in tuple(self._sizes) if size in self._seconds), default=0.0)

    def choose_size(self, waiting: int, *, low_latency: bool = False) -> int:
        """Size to take when `waiting` (>= 1) pictures are there: the smallest of those that cost least a picture.

        Seventeen may be sixteen now and one with the next batch. In `haste` a size may cost somewhat more if it is
        smaller, and no size is tried for the sake of learning.
        """
        limit = min(waiting, self._max_size)  # once: it may change meanwhile
        candidates = [size for size in self._sizes if size < limit]
        candidates.append(limit)
        if self._batch_count % _REMEASURE_INTERVAL == 0 and not low_latency:
            return min(candidates, key=lambda size: self._observed_at.get(size, 0))
        costs = [self.estimate_s(size) / size for size in candidates]
        max_cost = min(costs) * (_LOW_LATENCY_COST_TOLERANCE if low_latency else _COST_TOLERANCE)
        return next(size for size, cost in zip(candidates, costs, strict=True) if cost <= max_cost)
