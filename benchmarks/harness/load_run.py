"""One run of load: submits images and records their results."""

import itertools
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bulk.inputs.input_image import InputImage
from bulk.results.result_row import ResultRow
from bulk.submission.config import SubmissionConfig
from bulk.submission.submitter import Submitter
from shared.config.settings import Settings
from shared.contract.decision import Verdict
from shared.contract.names import Queue
from shared.service.connections import ServiceConnections


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Settings of a run: `window` images in flight for `seconds`, or until `max_images` have started.

    With `interval_s` there is a rate limit: each `shard` of images starts at least that long after the one before.
    """

    seconds: float
    window: int
    #: Images that are submitted together.
    shard: int
    queue: Queue = Queue.BULK
    max_images: int | None = None
    interval_s: float = 0


@dataclass(slots=True)
class LoadResult:
    """Measurements of one run of load. Times are wall clock, except `cpu_s`: CPU seconds by process."""

    seconds: float = 0.0
    images: int = 0
    batch_sizes: list[int] = field(default_factory=list)
    #: Seconds of the forward pass, by batch size.
    predict_s: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    latencies_s: list[float] = field(default_factory=list)
    #: Start of each image in `latencies_s`, in seconds since the start of the run.
    started_at_s: list[float] = field(default_factory=list)
    #: Results beyond the first of an image.
    duplicates: int = 0
    #: Images without a result.
    lost: int = 0
    #: Kinds of the decisions that are not verdicts.
    non_verdict_kinds: list[str] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=dict)

    @property
    def p99_s(self) -> float:
        """99th percentile of the latencies."""
        return statistics.quantiles(self.latencies_s, n=100)[98]

    @property
    def images_per_s(self) -> float:
        """Throughput."""
        return self.images / self.seconds


class LoadRun:
    """Repeats `images` as `load` says.

    `name` names the outbox and the images: no other run may have it. `all_submitted` is set once no more images follow.
    """

    def __init__(
        self, images: Sequence[bytes], load: Load, name: str, all_submitted: threading.Event | None = None
    ) -> None:
        self._images = images
        self._load = load
        self._name = name
        self._all_submitted = all_submitted
        self._pending: dict[str, float] = {}
        self.result = LoadResult()

    def execute(
        self, connections: ServiceConnections, config: Settings, stop: threading.Event | None = None
    ) -> LoadResult:
        """Submit all images and wait for their results. `stop` ends the run early."""
        submitter = Submitter(
            connections.ledger,
            connections.store,
            connections.publisher,
            SubmissionConfig(
                outbox=f"bulk:{self._name}",
                key=b"benchmark",
                window=self._load.window,
                shard=self._load.shard,
                deadline_s=600,
                max_image_bytes=config.image_store_max_bytes,
                queue=self._load.queue,
            ),
            on_results=self._record,
            stop=stop,
        )
        self._started = time.perf_counter()
        submitter.run(self._source())
        self.result.seconds = time.perf_counter() - self._started
        self.result.lost = len(self._pending)
        return self.result

    def _record(self, results: Sequence[ResultRow]) -> None:
        now = time.perf_counter()
        for result in results:
            if result.name not in self._pending:
                self.result.duplicates += 1
                continue
            started = self._pending.pop(result.name)
            self.result.latencies_s.append(now - started)
            self.result.started_at_s.append(started - self._started)
            if isinstance(result.decision, Verdict):
                work = result.decision.work
                self.result.batch_sizes.append(work.batch)
                self.result.predict_s[work.batch].append(work.predict_s)
            else:
                self.result.non_verdict_kinds.append(result.decision.kind)
        self.result.images += len(results)

    def _source(self) -> Iterator[InputImage]:
        load = self._load
        for index, data in enumerate(itertools.cycle(self._images)):
            if load.interval_s and index % load.shard == 0:
                start = self._started + index // load.shard * load.interval_s
                time.sleep(max(0.0, start - time.perf_counter()))
            now = time.perf_counter()
            if now > self._started + load.seconds or index == load.max_images:
                if self._all_submitted is not None:
                    self._all_submitted.set()
                return
            name = f"{self._name}-{index}"
            self._pending[name] = now
            yield InputImage(name, lambda data=data: data)  # type: ignore[misc]
