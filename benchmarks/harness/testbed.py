"""A broker, workers and a submitting client for one benchmark."""

import itertools
import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import psutil

from benchmarks.harness.load_run import Load, LoadResult, LoadRun
from local.embedded_valkey import EmbeddedValkey
from local.subprocesses import BackgroundProcess
from local.worker_processes import start_worker, wait_until_ready
from shared.config.settings import Settings
from shared.contract.names import Queue
from shared.service.connections import ServiceConnections


class Testbed:
    """Context manager: one embedded Valkey and `workers` workers.

    Args:
        workers: Number of workers.
        processes: Processes of each worker.
        persistent: Whether Valkey keeps an append-only file.
        environment: Variables of the workers.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        processes: int = 1,
        persistent: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._environment = {**(environment or {}), "MELANOMA_PROCESSES": str(processes)}
        self._worker_count = workers
        self._processes = processes
        self._persistent = persistent
        self._stack = ExitStack()
        self._run_numbers = itertools.count()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            # Without a context nobody else would end what has been started.
            self._stack.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def restart_worker(self, index: int) -> None:
        """Kill a worker with SIGKILL and start another in its place."""
        self.workers[index].kill()
        self._started_count += 1
        self.workers[index] = self._start_worker(self._started_count)

    def run_load(
        self,
        images: Sequence[bytes],
        load: Load,
        *,
        all_submitted: threading.Event | None = None,
        stop: threading.Event | None = None,
    ) -> LoadResult:
        """Submit `images` as `load` says and wait for their results.

        `all_submitted` is set once no more images follow; `stop` ends the run early.
        """
        run = LoadRun(images, load, str(next(self._run_numbers)), all_submitted)
        cpu_before = self._cpu_seconds()
        result = run.execute(self._connections, self.settings, stop)
        result.cpu_s = {name: cpu_s - cpu_before[name] for name, cpu_s in self._cpu_seconds().items()}
        return result

    def run_interactive(self, images: Sequence[bytes], count: int) -> LoadResult:
        """Send `count` interactive images, one after the other."""
        return self.run_load(images, Load(seconds=600, window=1, shard=1, queue=Queue.INTERACTIVE, max_images=count))

    def memory_bytes(self) -> dict[str, int]:
        """Resident bytes by process."""
        return {name: process.memory_info().rss for name, process in self.processes().items()}

    def _cpu_seconds(self) -> dict[str, float]:
        spent = {}
        for name, process in self.processes().items():
            times = process.cpu_times()
            spent[name] = times.user + times.system
        return spent

    def processes(self, extra_pids: Mapping[str, int] | None = None) -> dict[str, psutil.Process]:
        """All processes: workers, broker, this one as the client, and those of `extra_pids`."""
        workers = {f"worker {number}": worker.pid for number, worker in enumerate(self.workers)}
        pids = {**workers, "broker": self.broker.pid, "client": os.getpid(), **(extra_pids or {})}
        return {name: psutil.Process(pid) for name, pid in pids.items()}

    def _start(self) -> None:
        self.home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="melanoma-bench-")))
        self.broker = self._stack.enter_context(EmbeddedValkey(self.home / "valkey", persistent=self._persistent))
        os.environ["REDIS_URL"] = self.broker.url
        self.settings = Settings()
        connections = ServiceConnections(self.settings)
        self._connections = self._stack.enter_context(connections)
        self.ledger, self.store = self._connections.ledger, self._connections.store
        self.workers = [self._start_worker(number) for number in range(self._worker_count)]
        self._started_count = self._worker_count

    def _start_worker(self, number: int) -> BackgroundProcess:
        worker = self._stack.enter_context(start_worker(self.home / f"worker-{number}.log", self._environment))
        wait_until_ready(worker, self._processes)
        return worker
