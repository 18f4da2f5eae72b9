"""A broker and a worker for one benchmark, and a client that keeps pictures in flight."""

import itertools
import os
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil

from bulk.inputs.input_image import InputImage
from bulk.results.result_row import ResultRow
from bulk.submission.config import SubmissionConfig
from bulk.submission.submitter import Submitter
from local.embedded_valkey import EmbeddedValkey
from local.subprocesses import BackgroundProcess
from local.worker_processes import start_worker, wait_until_ready
from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings
from shared.contract.decision import Verdict
from shared.contract.names import Queue
from shared.service.connections import ServiceConnections


@dataclass(slots=True)
class LoadResult:
    """What one spell of load showed. Seconds of wall clock for the rest, `cpu_s` by process."""

    seconds: float = 0.0
    pictures: int = 0
    batches: list[int] = field(default_factory=list)
    #: Seconds of the forward pass, by batch size.
    predict_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    latencies: list[float] = field(default_factory=list)
    #: When each of those was begun, in seconds of the spell.
    begun: list[float] = field(default_factory=list)
    #: Answers beyond the first, pictures without one, and decisions that are no verdicts.
    doubled: int = 0
    lost: int = 0
    others: list[str] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.pictures / self.seconds


class Testbed:
    """One embedded Valkey and `workers` real workers, for as long as the context lasts."""

    def __init__(self, *, workers: int = 1, persistent: bool = False) -> None:
        self._workers = workers
        self._persistent = persistent
        self._stack = ExitStack()
        self._runs = itertools.count()

    def __enter__(self) -> Self:
        self.home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="melanoma-bench-")))
        self.broker = self._stack.enter_context(EmbeddedValkey(self.home / "valkey", persistent=self._persistent))
        os.environ["REDIS_URL"] = self.broker.url
        self.settings = Settings()
        connections = ServiceConnections(self.settings, shard=self.settings.max_batch_size)
        self._connections = self._stack.enter_context(connections)
        self.ledger, self.store = self._connections.ledger, self._connections.store
        self.workers = [self._start_worker(number) for number in range(self._workers)]
        self._started = self._workers
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def restart_worker(self, place: int) -> None:
        """SIGKILL one of the workers and start another in its place."""
        self.workers[place].kill()
        self._started += 1
        self.workers[place] = self._start_worker(self._started)

    def publisher(self, shard: int) -> TaskPublisher:
        """A doorbell that puts up to `shard` pictures in a message."""
        return TaskPublisher(self._connections.app, shard=shard)

    def load(
        self,
        images: Sequence[bytes],
        *,
        seconds: float,
        window: int,
        shard: int,
        queue: Queue = Queue.BULK,
        most: int | None = None,
        all_begun: threading.Event | None = None,
        stop: threading.Event | None = None,
        every_s: float = 0,
    ) -> LoadResult:
        """Keep `window` pictures in flight for `seconds` or until `most` were begun, then take what is left.

        With `every_s` a message's worth of them is begun no sooner than so long after the one before.
        """
        load = LoadResult()
        begun: dict[str, float] = {}
        run = next(self._runs)

        def source() -> Iterator[InputImage]:
            for number, data in enumerate(itertools.cycle(images)):
                if every_s and number % shard == 0:
                    time.sleep(max(0.0, started + number // shard * every_s - time.perf_counter()))
                now = time.perf_counter()
                if now > deadline or number == most:
                    if all_begun is not None:
                        all_begun.set()
                    return
                name = f"{run}-{number}"
                begun[name] = now
                yield InputImage(name, lambda data=data: data)  # type: ignore[misc]

        def take(answers: Sequence[ResultRow]) -> None:
            now = time.perf_counter()
            for answer in answers:
                if answer.name not in begun:
                    load.doubled += 1
                    continue
                at = begun.pop(answer.name)
                load.latencies.append(now - at)
                load.begun.append(at - started)
                if isinstance(answer.decision, Verdict):
                    work = answer.decision.work
                    load.batches.append(work.batch)
                    load.predict_s[work.batch].append(work.predict_s)
                else:
                    load.others.append(answer.decision.kind)
            load.pictures += len(answers)

        submitter = Submitter(
            self.ledger,
            self.store,
            self.publisher(shard),
            SubmissionConfig(
                outbox=f"bulk:{run}",
                key=b"benchmark",
                window=window,
                shard=shard,
                deadline_s=600,
                max_image_bytes=self.settings.image_store_max_bytes,
                queue=queue,
            ),
            on_results=take,
            stop=stop,
        )
        before = self._cpu()
        started = time.perf_counter()
        deadline = started + seconds
        submitter.run(source())
        load.seconds = time.perf_counter() - started
        load.lost = len(begun)
        load.cpu_s = {name: spent - before[name] for name, spent in self._cpu().items()}
        return load

    def memory(self) -> dict[str, int]:
        """Resident bytes by process."""
        return {name: process.memory_info().rss for name, process in self.processes().items()}

    def _cpu(self) -> dict[str, float]:
        spent = {}
        for name, process in self.processes().items():
            times = process.cpu_times()
            spent[name] = times.user + times.system
        return spent

    def processes(self, others: Mapping[str, int] | None = None) -> dict[str, psutil.Process]:
        """All of them, this one as the client, and `others` by their process id."""
        workers = {f"worker {number}": worker.pid for number, worker in enumerate(self.workers)}
        pids = {**workers, "broker": self.broker.pid, "client": os.getpid(), **(others or {})}
        return {name: psutil.Process(pid) for name, pid in pids.items()}

    def _start_worker(self, number: int) -> BackgroundProcess:
        worker = self._stack.enter_context(start_worker(self.home / f"worker-{number}.log"))
        wait_until_ready(worker)
        return worker
