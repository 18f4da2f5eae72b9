"""How long a batch of n pictures takes on this device, learned while it runs, and which size pays."""

from bisect import bisect_left
from typing import Final

#: Weight of a new measurement: a passing disturbance moves the curve little, a lasting change within ten batches.
_WEIGHT: Final = 0.2

#: Weight where the last measurement is as long ago as `_LOOK_AGAIN_EVERY` batches.
_WEIGHT_OF_LATE: Final = 0.5

#: Every so many batches the size that was measured longest ago is taken again: a disturbance while warming, or a
#: neighbour on the machine that has gone, must not rule a size out for good.
_LOOK_AGAIN_EVERY: Final = 32

#: A size whose cost a picture is within this share of the best is as good, and a smaller one answers sooner.
_AS_GOOD: Final = 1.05

#: The same while people wait: somebody's picture may have to wait for the batch before it.
_AS_GOOD_IN_HASTE: Final = 1.25


class BatchCostModel:
    """Seconds a batch by its size, for sizes from 1 to `largest`. Taught by one thread."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._seconds: dict[int, float] = {}
        self._sizes: list[int] = []
        self._learned_at: dict[int, int] = {}
        self._clock = 0

    def set_max_size(self, largest: int) -> None:
        """Let no batch be larger than `largest`. May be asked by other threads."""
        self._largest = largest

    def observe(self, size: int, seconds: float) -> None:
        """Take in that a batch of `size` took `seconds`."""
        self._clock += 1
        late = self._clock - self._learned_at.get(size, 0) >= _LOOK_AGAIN_EVERY
        self._learned_at[size] = self._clock
        known = self._seconds.get(size)
        if known is None:
            self._sizes.insert(bisect_left(self._sizes, size), size)
            self._seconds[size] = seconds
        else:
            self._seconds[size] = known + (_WEIGHT_OF_LATE if late else _WEIGHT) * (seconds - known)

    def seconds(self, size: int) -> float:
        """Expected seconds of a batch of `size`, linear between known sizes. Raises `ValueError` if none is known."""
        if not self._sizes:
            raise ValueError("no batch has been measured yet")
        if size in self._seconds:
            return self._seconds[size]
        place = bisect_left(self._sizes, size)
        if place == 0:
            return self._seconds[self._sizes[0]]
        if place == len(self._sizes):
            last = self._sizes[-1]
            return self._seconds[last] * size / last
        low, high = self._sizes[place - 1], self._sizes[place]
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
        most = min(waiting, self._largest)  # once: it may change meanwhile
        candidates = [size for size in self._sizes if size < most]
        candidates.append(most)
        if self._clock % _LOOK_AGAIN_EVERY == 0 and not low_latency:
            return min(candidates, key=lambda size: self._learned_at.get(size, 0))
        costs = [self.seconds(size) / size for size in candidates]
        bound = min(costs) * (_AS_GOOD_IN_HASTE if low_latency else _AS_GOOD)
        return next(size for size, cost in zip(candidates, costs, strict=True) if cost <= bound)
