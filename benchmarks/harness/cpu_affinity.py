"""Restricts processes of a benchmark to some of the cores."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psutil

from benchmarks.harness.testbed import Testbed


@contextmanager
def isolate_worker(testbed: Testbed) -> Iterator[None]:
    """Give the worker one half of the cores, and the other half to all other processes, also to later ones.

    Without system support, or with a single core, nothing is changed.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    half = len(cores) // 2
    if not half:
        yield
        return
    worker_pids, other_pids = (testbed.workers[0].pid,), (os.getpid(), testbed.broker.pid or os.getpid())
    set_affinity(worker_pids, cores[:half])
    set_affinity(other_pids, cores[half:])
    try:
        yield
    finally:
        set_affinity((*worker_pids, *other_pids), cores)


def set_affinity(pids: Iterable[int], cores: Iterable[int]) -> None:
    """Restrict all threads of the processes to these cores."""
    for pid in pids:
        for thread in psutil.Process(pid).threads():
            os.sched_setaffinity(thread.id, cores)
