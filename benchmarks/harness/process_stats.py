"""Samples the resources that processes use, and fits their growth."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import psutil

_INTERVAL_S: Final = 5.0

#: Sampled of each process: resident bytes, open file handles, threads.
PROCESS_METRICS: Final = ("memory", "handles", "threads")


@dataclass(frozen=True, slots=True)
class Trend:
    """Least-squares line through samples: `per_hour` in their unit, `growth_per_h` as a share of their mean."""

    first: float
    last: float
    per_hour: float
    growth_per_h: float


@dataclass(slots=True)
class TimeSeries:
    """Samples of one metric: seconds since the start, and values."""

    times_s: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def trend(self, warmup_s: float) -> Trend:
        """Fit the samples after `warmup_s`. Raises `ValueError` if there are fewer than two."""
        pairs = [(at, value) for at, value in zip(self.times_s, self.values, strict=True) if at >= warmup_s]
        if len(pairs) < 2:
            raise ValueError(f"{len(pairs)} samples after {warmup_s:.0f} s are too few for a trend")
        times, values = np.array(pairs).T
        per_hour = float(np.polyfit(times, values, 1)[0]) * 3600
        mean = float(values.mean())
        return Trend(float(values[0]), float(values[-1]), per_hour, per_hour / mean if mean else 0.0)


class ProcessMonitor:
    """A thread that samples `processes` and the broker behind `redis` every few seconds inside the context.

    `series` holds the samples by (process, metric). The metric `data` of the broker is the memory that it reports.
    """

    def __init__(self, processes: Mapping[str, psutil.Process], redis: Any) -> None:
        self._processes = processes
        self._redis = redis
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.series: dict[tuple[str, str], TimeSeries] = {}

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        self._sample()
        while not self._stop.wait(_INTERVAL_S):
            self._sample()

    def _sample(self) -> None:
        at = time.monotonic() - self._started
        for name, process in self._processes.items():
            values = process.memory_info().rss, process.num_fds(), process.num_threads()
            for metric, value in zip(PROCESS_METRICS, values, strict=True):
                self._add(name, metric, at, value)
        self._add("broker", "data", at, int(self._redis.info("memory")["used_memory"]))

    def _add(self, name: str, metric: str, at: float, value: float) -> None:
        series = self.series.setdefault((name, metric), TimeSeries())
        series.times_s.append(at)
        series.values.append(value)
