"""The whole path: a real Valkey, `melanoma-worker` with several processes, and clients, each on cores of its own."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.harness.cpu_affinity import set_affinity
from benchmarks.harness.request_process import RequestProcess, request_all
from benchmarks.harness.testbed import Testbed
from benchmarks.runtimes.gpu.decoding import DecodingCores

#: Images in flight for each worker process, over all clients.
_WINDOW: Final = 128
_SHARD: Final = 16

#: One core in so many is for the clients and the broker, which run elsewhere in a real deployment.
_CORES_PER_CLIENT: Final = 4

#: Seconds of load before the first measurement.
_WARM_UP_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Cores:
    """The cores of the worker, and those of clients and broker. On fewer than four cores all share all."""

    worker: Sequence[int]
    clients: Sequence[int]

    @classmethod
    def split(cls, available: Sequence[int]) -> Self:
        """Reserve one core in four for the clients and the broker."""
        reserved = len(available) // _CORES_PER_CLIENT
        if not reserved:
            return cls(available, available)
        return cls(available[:-reserved], available[-reserved:])

    @property
    def client_count(self) -> int:
        """One client for each of their cores. Where there are several, the broker has one of them."""
        return 1 if self.clients == self.worker else max(1, len(self.clients) - 1)


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement: what the worker's cores decode at most, then images a second of the whole path."""

    decoding_per_s: float
    service_per_s: float
    mean_batch: float
    lost: int
    no_verdict: int


def measure_service(
    folder: Path,
    decoding: DecodingCores,
    cores: Cores,
    processes: int,
    *,
    max_batch: int,
    rounds: int,
    seconds: float,
) -> list[Round]:
    """Measure a worker of `processes` processes, whose batches are at most `max_batch`, in turns with the decoding."""
    with ExitStack() as stack:
        with _run_on(cores.worker):  # what is started here inherits the cores
            environment = {"MELANOMA_MAX_BATCH_SIZE": str(max_batch)}
            testbed = stack.enter_context(Testbed(processes=processes, environment=environment))
        set_affinity((testbed.broker.pid or os.getpid(),), cores.clients)
        module = "benchmarks.runtimes.gpu.client"
        with _run_on(cores.clients):
            clients = [stack.enter_context(RequestProcess(module, folder)) for _ in range(cores.client_count)]
        _run_load(clients, processes, _WARM_UP_S)
        return [
            _run_load(clients, processes, seconds, decoding.measure(len(cores.worker), seconds)) for _ in range(rounds)
        ]


def _run_load(clients: Sequence[RequestProcess], processes: int, seconds: float, decoding_per_s: float = 0) -> Round:
    window = max(_SHARD, _WINDOW * processes // len(clients))
    load = {"seconds": seconds, "window": window, "shard": _SHARD}
    replies = request_all(clients, [load] * len(clients))
    images = sum(reply["images"] for reply in replies)
    return Round(
        decoding_per_s,
        sum(reply["images_per_s"] for reply in replies),
        sum(reply["images"] * reply["mean_batch"] for reply in replies) / images,
        sum(reply["lost"] for reply in replies),
        sum(reply["no_verdict"] for reply in replies),
    )


@contextmanager
def _run_on(cores: Sequence[int]) -> Iterator[None]:
    """Restrict this thread, and the processes that it starts, to these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
