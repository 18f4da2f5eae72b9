"""The baseline: the worker's predictor and preprocessing in one process, without a queue.

It runs in a process of its own, so that its measurements can take turns with those of the service.
"""

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.harness.request_process import RequestProcess

#: The grid that `find_best` tries.
BATCH_SIZES: Final = (4, 8, 16, 32)
DECODE_THREADS: Final = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Throughput, and CPU seconds of one image."""

    images_per_s: float
    cpu_s: float


class BaselineProcess(RequestProcess):
    """A process with its own predictor, which is idle between measurements.

    Args:
        folder: The images.
        cores: Cores that it may use; none for all.
    """

    def __init__(self, folder: Path, cores: Collection[int] = ()) -> None:
        super().__init__("benchmarks.harness.baseline_process", folder, *cores)

    def throughput(self, *, batch: int, threads: int, seconds: float) -> Measurement:
        """Measure with `threads` decoding into batches of `batch`."""
        return Measurement(**self.request({"batch": batch, "threads": threads, "seconds": seconds}))

    def single_image_latency(self, *, seconds: float) -> float:
        """Median seconds to decode and predict one image."""
        return float(self.request({"batch": 1, "threads": 0, "seconds": seconds})["p50_s"])


def find_best(
    baseline: BaselineProcess, *, seconds: float
) -> tuple[tuple[int, int], dict[tuple[int, int], Measurement]]:
    """The (batch, threads) of the grid with the highest throughput, and the measurements of all."""
    grid: Sequence[tuple[int, int]] = list(itertools.product(BATCH_SIZES, DECODE_THREADS))
    measurements = {point: baseline.throughput(batch=point[0], threads=point[1], seconds=seconds) for point in grid}
    return max(measurements, key=lambda point: measurements[point].images_per_s), measurements
