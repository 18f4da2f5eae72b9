"""Measures the CPU time of processes."""

from collections.abc import Mapping
from typing import Self

import psutil


class CpuTimer:
    """Context manager. `cpu_s` holds the CPU seconds that each process (name -> id) used inside the context."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}
        self.cpu_s: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._before = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu_s = {name: now - self._before[name] for name, now in self._now().items()}

    def _now(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return {name: float(cpu.user + cpu.system) for name, cpu in times.items()}
