"""`make bench-cores`: 1, 2, 4, 8 worker processes on as many cores, compared with what those cores can do at most.

The ceiling is the host's own decoding and prediction without the service: one process a core, each on its own core, or
one process on all of them, whichever is faster. The client and the broker use the other cores where there are any. The
last line is a JSON object: `ratio_n` is the throughput of n processes as a share of the ceiling of n cores.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.harness.baseline import BaselineProcess, find_best
from benchmarks.harness.cpu_affinity import set_affinity
from benchmarks.harness.load_run import Load
from benchmarks.harness.request_process import request_all
from benchmarks.harness.testbed import Testbed
from samples.image_set import render_many

_COUNTS: Final = (1, 2, 4, 8)
_SIZE: Final = (1024, 768)
_IMAGES: Final = 96
_GRID_S: Final = 1.5
_ROUNDS: Final = 3
_ROUND_S: Final = 6.0
_WINDOW: Final = 128
_SHARD: Final = 16


@dataclass(frozen=True, slots=True)
class Row:
    """Images a second on `cores` cores: the ceiling of one process, of a process a core, and the service."""

    cores: int
    one_process: float
    process_a_core: float
    service: float
    ratio: float


def main() -> None:
    """Measure and print a table. The last line is a JSON object."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    console = Console()
    available = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="melanoma-images-") as directory:
        folder = Path(directory)
        render_many(folder, _IMAGES, size=_SIZE, seed=7)
        rows = [_measure(folder, available, count) for count in _COUNTS if count <= len(available)]
    table = Table("processes and cores", "ceiling, one process", "ceiling, a process a core", "service", "ratio")
    for row in rows:
        rates = (f"{rate:.1f}" for rate in (row.one_process, row.process_a_core, row.service))
        table.add_row(str(row.cores), *rates, f"{row.ratio:.3f}")
    console.print(table)
    figures: dict[str, float] = {"cores": len(available)}
    for row in rows:
        figures[f"ceiling_img_s_{row.cores}"] = round(max(row.one_process, row.process_a_core), 1)
        figures[f"ratio_{row.cores}"] = round(row.ratio, 3)
    print(json.dumps(figures))


def _measure(folder: Path, available: Sequence[int], count: int) -> Row:
    cores, others = available[:count], available[count:]
    images = [path.read_bytes() for path in sorted(folder.iterdir())]
    load = Load(seconds=_ROUND_S, window=_WINDOW * count, shard=_SHARD)
    with ExitStack() as stack:
        # A baseline finds its cores by its affinity when it starts.
        shared = stack.enter_context(BaselineProcess(folder, cores))
        single = [stack.enter_context(BaselineProcess(folder, [core])) for core in cores]
        testbed = stack.enter_context(Testbed(processes=count))
        worker = psutil.Process(testbed.workers[0].pid)
        set_affinity((worker.pid, *(child.pid for child in worker.children())), cores)
        if others:
            set_affinity((os.getpid(), testbed.broker.pid or os.getpid()), others)
        try:
            shared_best, _ = find_best(shared, seconds=_GRID_S)
            single_best, _ = find_best(single[0], seconds=_GRID_S)
            testbed.run_load(images, Load(seconds=3, window=load.window, shard=_SHARD))
            rounds: list[Row] = []
            for _ in range(_ROUNDS):
                one_process = _run_baselines([shared], shared_best)
                process_a_core = _run_baselines(single, single_best)
                service = testbed.run_load(images, load).images_per_s
                rounds.append(
                    Row(count, one_process, process_a_core, service, service / max(one_process, process_a_core))
                )
        finally:
            set_affinity((os.getpid(),), available)
    rounds.sort(key=lambda row: row.ratio)
    return rounds[len(rounds) // 2]


def _run_baselines(baselines: Sequence[BaselineProcess], best: tuple[int, int]) -> float:
    """Run them at the same time. Returns their images a second together."""
    batch, threads = best
    request = {"batch": batch, "threads": threads, "seconds": _ROUND_S}
    return float(sum(reply["images_per_s"] for reply in request_all(baselines, [request] * len(baselines))))


if __name__ == "__main__":
    main()
