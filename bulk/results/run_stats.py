"""Counts and speeds of a run, in constant memory however many images it has."""

import math
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from bulk.results.reason_texts import Reason
from bulk.results.result_row import ResultRow

# Latencies are counted in buckets, each 2 % wider than the one before.
_LOG_BUCKET_RATIO: Final = math.log(1.02)
_MIN_LATENCY_S: Final = 0.001


@dataclass(slots=True)
class RunStats:
    """Counts of the results.

    `resumed` are those that earlier starts of the same run finished, without the `set_aside` rows, whose images were
    classified again.
    """

    resumed: int = 0
    set_aside: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    bands: Counter[str] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    artefacts: Counter[str] = field(default_factory=Counter)
    _batches: float = 0.0
    _batched_images: int = 0
    _latency_buckets: Counter[int] = field(default_factory=Counter)
    _started: float = field(default_factory=time.monotonic)
    _last_row: float = 0.0

    @property
    def done(self) -> int:
        """Images that have a row."""
        return self.kinds.total()

    @property
    def done_by_this_process(self) -> int:
        """Images that this process finished."""
        return self.done - self.resumed

    def add_resumed(self, row: ResultRow) -> None:
        """Count a row of an earlier run. It says nothing about the speed of this one."""
        self.resumed += 1
        self._count(row)

    def add(self, rows: Iterable[ResultRow]) -> None:
        """Count rows as they arrive."""
        for row in rows:
            self._count(row)
            if verdict := row.verdict:
                self._batches += 1 / verdict.work.batch
                self._batched_images += 1
                self._latency_buckets[_bucket(row.seconds)] += 1
        self._last_row = time.monotonic()

    def seconds(self) -> float:
        """Wall time from the start to the last row, in seconds."""
        return max(1e-9, self._last_row - self._started)

    def rate(self) -> float:
        """Images a second of this process, over all of its time."""
        return self.done_by_this_process / self.seconds() if self.done_by_this_process else 0.0

    def mean_batch_size(self) -> float | None:
        """Images in a forward pass, as a mean over the passes; None before the first verdict."""
        return self._batched_images / self._batches if self._batched_images else None

    def latency_quantile(self, quantile: float) -> float | None:
        """Seconds within which the share `quantile` of the verdicts came after submission, within 2 %."""
        rank, seen = quantile * self._latency_buckets.total(), 0
        for bucket in sorted(self._latency_buckets):
            seen += self._latency_buckets[bucket]
            if seen >= rank:
                return _MIN_LATENCY_S * math.exp((bucket + 0.5) * _LOG_BUCKET_RATIO)
        return None

    def _count(self, row: ResultRow) -> None:
        self.kinds[row.decision.kind] += 1
        if verdict := row.verdict:
            self.bands[verdict.band] += 1
            self.artefacts[verdict.artefact] += 1
        elif row.reason:
            self.reasons[row.reason] += 1


def _bucket(seconds: float) -> int:
    return math.floor(math.log(max(seconds, _MIN_LATENCY_S) / _MIN_LATENCY_S) / _LOG_BUCKET_RATIO)
