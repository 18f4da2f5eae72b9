"""Counts and speeds of a run, in little memory however many pictures it has."""

import math
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from bulk.results.results_file import Row

# Latencies are kept as counts of classes, each 2 % wider than the one before.
_WIDTH: Final = math.log(1.02)
_LEAST_S: Final = 0.001


@dataclass(slots=True)
class RunStats:
    """What became of the pictures. `earlier` are those that previous runs of the same output finished."""

    earlier: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    bands: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    artefacts: Counter[str] = field(default_factory=Counter)
    _batches: float = 0.0
    _batched: int = 0
    _latencies: Counter[int] = field(default_factory=Counter)
    _started: float = field(default_factory=time.monotonic)
    _last: float = 0.0

    @property
    def done(self) -> int:
        """Pictures that have a row."""
        return self.kinds.total()

    @property
    def now_done(self) -> int:
        """Pictures that this process finished."""
        return self.done - self.earlier

    def add_earlier(self, row: Row) -> None:
        """Count the row of a previous run: it says nothing of this one's speed."""
        self.earlier += 1
        self._count(row)

    def add(self, rows: Iterable[Row]) -> None:
        """Count rows as they come."""
        for row in rows:
            self._count(row)
            batch = row.get("work", {}).get("batch")
            if batch:
                self._batches += 1 / batch
                self._batched += 1
                self._latencies[_class(row["seconds"])] += 1
        self._last = time.monotonic()

    def seconds(self) -> float:
        """Wall time from the start to the last row, in seconds."""
        return max(1e-9, self._last - self._started)

    def rate(self) -> float:
        """Pictures a second of this process, over all of its time."""
        return self.now_done / self.seconds() if self.now_done else 0.0

    def mean_batch(self) -> float | None:
        """Pictures a forward pass, on average over the passes."""
        return self._batched / self._batches if self._batched else None

    def latency(self, share: float) -> float | None:
        """The time, in seconds, within which `share` of the verdicts came after their submission; within 2 %."""
        wanted, seen = share * self._latencies.total(), 0
        for number in sorted(self._latencies):
            seen += self._latencies[number]
            if seen >= wanted:
                return _LEAST_S * math.exp((number + 0.5) * _WIDTH)
        return None

    def _count(self, row: Row) -> None:
        kind = row["kind"]
        self.kinds[kind] += 1
        if kind == "verdict":
            self.bands[row["band"]] += 1
            self.artefacts[row["artefact"]] += 1
        else:
            self.reasons[kind, row["reason"]] += 1


def _class(seconds: float) -> int:
    return math.floor(math.log(max(seconds, _LEAST_S) / _LEAST_S) / _WIDTH)
