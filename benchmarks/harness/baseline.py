"""The baseline: the worker's predictor and preprocessing in one process, without a queue.

It runs in a process of its own, so that its measurements can take turns with those of the service.
"""

import itertools
import json
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Final, Self

#: The grid that `find_best` tries.
BATCH_SIZES: Final = (4, 8, 16, 32)
DECODE_THREADS: Final = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Throughput, and CPU seconds of one image."""

    images_per_s: float
    cpu_s: float


class BaselineProcess:
    """A process with its own predictor, which is idle between measurements.

    Args:
        folder: The images.
        cores: Cores that it may use; none for all.
    """

    def __init__(self, folder: Path, cores: Collection[int] = ()) -> None:
        self._folder = folder
        self._cores = cores
        self._pipe, self._child_pipe = Pipe()

    def __enter__(self) -> Self:
        handle = self._child_pipe.fileno()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.harness.baseline_process",
                str(self._folder),
                str(handle),
                *map(str, self._cores),
            ],
            pass_fds=[handle],
        )
        self._child_pipe.close()
        self._pipe.recv_bytes()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._pipe.close()

    def throughput(self, *, batch: int, threads: int, seconds: float) -> Measurement:
        """Measure with `threads` decoding into batches of `batch`."""
        return Measurement(**self._request({"batch": batch, "threads": threads, "seconds": seconds}))

    def single_image_latency(self, *, seconds: float) -> float:
        """Median seconds to decode and predict one image."""
        return float(self._request({"batch": 1, "threads": 0, "seconds": seconds})["p50_s"])

    def _request(self, request: dict[str, Any]) -> dict[str, Any]:
        self._pipe.send_bytes(json.dumps(request).encode())
        reply: dict[str, Any] = json.loads(self._pipe.recv_bytes())
        return reply


def find_best(
    baseline: BaselineProcess, *, seconds: float
) -> tuple[tuple[int, int], dict[tuple[int, int], Measurement]]:
    """The (batch, threads) of the grid with the highest throughput, and the measurements of all."""
    grid: Sequence[tuple[int, int]] = list(itertools.product(BATCH_SIZES, DECODE_THREADS))
    measurements = {point: baseline.throughput(batch=point[0], threads=point[1], seconds=seconds) for point in grid}
    return max(measurements, key=lambda point: measurements[point].images_per_s), measurements
