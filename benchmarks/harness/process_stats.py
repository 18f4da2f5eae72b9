"""What processes use over time, and how fast that grows."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import psutil

_EVERY_S: Final = 5.0

#: What is read of each process: resident bytes, open file handles, threads.
MEASURES: Final = ("memory", "handles", "threads")


@dataclass(frozen=True, slots=True)
class Trend:
    """Least-squares line through readings: `per_hour` in their unit, `growth_per_h` as a share of their mean."""

    first: float
    last: float
    per_hour: float
    growth_per_h: float


@dataclass(slots=True)
class Readings:
    """Of one thing: seconds since the beginning, and values."""

    at: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def trend(self, settled_s: float) -> Trend:
        """The line through what was read after `settled_s`. Raises `ValueError` for fewer than two readings."""
        pairs = [(at, value) for at, value in zip(self.at, self.values, strict=True) if at >= settled_s]
        if len(pairs) < 2:
            raise ValueError(f"{len(pairs)} readings after {settled_s:.0f} s make no line")
        times, values = np.array(pairs).T
        per_hour = float(np.polyfit(times, values, 1)[0]) * 3600
        mean = float(values.mean())
        return Trend(float(values[0]), float(values[-1]), per_hour, per_hour / mean if mean else 0.0)


class ProcessMonitor:
    """A thread that reads `processes` every few seconds while the context lasts, and what `redis`, the broker, says.

    `readings` has them by (process, measure); the bytes that the broker says it uses are its `data`.
    """

    def __init__(self, processes: Mapping[str, psutil.Process], redis: Any) -> None:
        self._processes = processes
        self._redis = redis
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.readings: dict[tuple[str, str], Readings] = {}

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        self._read()
        while not self._stop.wait(_EVERY_S):
            self._read()

    def _read(self) -> None:
        at = time.monotonic() - self._started
        for name, process in self._processes.items():
            values = process.memory_info().rss, process.num_fds(), process.num_threads()
            for measure, value in zip(MEASURES, values, strict=True):
                self._add(name, measure, at, value)
        self._add("broker", "data", at, int(self._redis.info("memory")["used_memory"]))

    def _add(self, name: str, measure: str, at: float, value: float) -> None:
        readings = self.readings.setdefault((name, measure), Readings())
        readings.at.append(at)
        readings.values.append(value)
