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

from bulk.submission.items import ImageResult, InputImage
from bulk.submission.submitter import Submitter
from local.embedded_valkey import EmbeddedValkey
from local.subprocesses import BackgroundProcess
from local.worker_processes import start_worker, wait_until_ready
from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings
from shared.contract.decision import Verdict
from shared.contract.names import Queue
from shared.image_store.store import ImageStore
from shared.ledger.ledger import Ledger
from shared.redis_client.client import create_client
from shared.redis_client.retry import RedisRetry


@dataclass(slots=True)
class LoadResult:
    """What one spell of load showed. Seconds of wall clock for the rest, `cpu_s` by process."""

    seconds: float = 0.0
    images: int = 0
    batch_sizes: list[int] = field(default_factory=list)
    #: Seconds of the forward pass, by batch size.
    predict_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    latencies_s: list[float] = field(default_factory=list)
    #: When each of those was begun, in seconds of the spell.
    started_at_s: list[float] = field(default_factory=list)
    #: Answers beyond the first, pictures without one, and decisions that are no verdicts.
    duplicates: int = 0
    lost: int = 0
    non_verdict_kinds: list[str] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=dict)

    @property
    def images_per_s(self) -> float:
        """Pictures a second."""
        return self.images / self.seconds


class Testbed:
    """One embedded Valkey and `workers` real workers, for as long as the context lasts."""

    def __init__(self, *, workers: int = 1, persistent: bool = False) -> None:
        self._worker_count = workers
        self._persistent = persistent
        self._stack = ExitStack()
        self._runs = itertools.count()

    def __enter__(self) -> Self:
        self.home = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="melanoma-bench-")))
        self.broker = self._stack.enter_context(EmbeddedValkey(self.home / "valkey", persistent=self._persistent))
        os.environ["REDIS_URL"] = self.broker.url
        self.settings = Settings()
        client = create_client(self.broker.url)
        retry = RedisRetry("benchmark")
        self.ledger = Ledger(client, retry)
        self.store = ImageStore(client, retry, budget=self.settings.image_store_max_bytes, ttl_s=3600)
        self._app = create_celery_app(self.broker.url)
        self.workers = [self._start_worker(number) for number in range(self._worker_count)]
        self._started_count = self._worker_count
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def restart_worker(self, index: int) -> None:
        """SIGKILL one of the workers and start another in its place."""
        self.workers[index].kill()
        self._started_count += 1
        self.workers[index] = self._start_worker(self._started_count)

    def publisher(self, shard: int) -> TaskPublisher:
        """A doorbell that puts up to `shard` pictures in a message."""
        return TaskPublisher(self._app, shard=shard)

    def run_load(
        self,
        images: Sequence[bytes],
        *,
        seconds: float,
        window: int,
        shard: int,
        queue: Queue = Queue.BULK,
        max_images: int | None = None,
        all_submitted: threading.Event | None = None,
        stop: threading.Event | None = None,
        interval_s: float = 0,
    ) -> LoadResult:
        """Keep `window` pictures in flight for `seconds` or until `most` were begun, then take what is left.

        With `every_s` a message's worth of them is begun no sooner than so long after the one before.
        """
        load = LoadResult()
        begun: dict[str, float] = {}
        run = next(self._runs)

        def source() -> Iterator[InputImage]:
            for number, data in enumerate(itertools.cycle(images)):
                if interval_s and number % shard == 0:
                    time.sleep(max(0.0, started + number // shard * interval_s - time.perf_counter()))
                now = time.perf_counter()
                if now > deadline or number == max_images:
                    if all_submitted is not None:
                        all_submitted.set()
                    return
                name = f"{run}-{number}"
                begun[name] = now
                yield InputImage(name, lambda data=data: data)  # type: ignore[misc]

        def take(answers: Sequence[ImageResult]) -> None:
            now = time.perf_counter()
            for answer in answers:
                if answer.name not in begun:
                    load.duplicates += 1
                    continue
                at = begun.pop(answer.name)
                load.latencies_s.append(now - at)
                load.started_at_s.append(at - started)
                if isinstance(answer.decision, Verdict):
                    work = answer.decision.work
                    load.batch_sizes.append(work.batch)
                    load.predict_s[work.batch].append(work.predict_s)
                else:
                    load.non_verdict_kinds.append(answer.decision.kind)
            load.images += len(answers)

        submitter = Submitter(
            ledger=self.ledger,
            store=self.store,
            publisher=self.publisher(shard),
            outbox=f"bulk:{run}",
            key=b"benchmark",
            window=window,
            shard=shard,
            deadline_s=600,
            store_budget=self.settings.image_store_max_bytes,
            on_answers=take,
            queue=queue,
            stop=stop,
        )
        before = self._cpu_seconds()
        started = time.perf_counter()
        deadline = started + seconds
        submitter.run(source())
        load.seconds = time.perf_counter() - started
        load.lost = len(begun)
        load.cpu_s = {name: spent - before[name] for name, spent in self._cpu_seconds().items()}
        return load

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
        """All of them, this one as the client, and `others` by their process id."""
        workers = {f"worker {number}": worker.pid for number, worker in enumerate(self.workers)}
        pids = {**workers, "broker": self.broker.pid, "client": os.getpid(), **(extra_pids or {})}
        return {name: psutil.Process(pid) for name, pid in pids.items()}

    def _start_worker(self, number: int) -> BackgroundProcess:
        worker = self._stack.enter_context(start_worker(self.home / f"worker-{number}.log"))
        wait_until_ready(worker)
        return worker
