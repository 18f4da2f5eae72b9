"""Restricts processes of a benchmark to some of the cores."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psutil

from benchmarks.harness.testbed import Testbed


@contextmanager
def isolate_worker(testbed: Testbed) -> Iterator[None]:
    """Gives the worker one half of the cores, and all other processes, also later ones, the other half.

    Does nothing where the system does not support it or there is only one core.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    half = len(cores) // 2
    if not half:
        yield
        return
    worker_pids, other_pids = (testbed.workers[0].pid,), (os.getpid(), testbed.broker.pid or os.getpid())
    _set_affinity(worker_pids, cores[:half])
    _set_affinity(other_pids, cores[half:])
    try:
        yield
    finally:
        _set_affinity((*worker_pids, *other_pids), cores)


def _set_affinity(processes: Iterable[int], cores: Iterable[int]) -> None:
    """Restrict all threads of the processes to these cores."""
    for process in processes:
        for thread in psutil.Process(process).threads():
            os.sched_setaffinity(thread.id, cores)
