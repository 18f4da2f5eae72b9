"""`make bench`: throughput and latency of the whole service, compared with the same model in one process.

The service and the baseline take turns on this machine. The service's figures include the cost of the load generator.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.harness.baseline import BaselineProcess, Measurement, find_best
from benchmarks.harness.load_run import Load, LoadResult
from benchmarks.harness.testbed import Testbed
from samples.image_set import render_many

_IMAGES: Final = 192
_SIZE: Final = (1024, 768)
_GRID_S: Final = 3.0
_ROUNDS: Final = 5
_ROUND_S: Final = 8.0
_LATENCY_ROUNDS: Final = 10
_LATENCY_ROUND_S: Final = 2.0

_IN_FLIGHT: Final = 128
_SHARD: Final = 16

_SINGLE: Final = Load(seconds=_ROUND_S, window=_IN_FLIGHT, shard=1)
_SHARDED: Final = Load(seconds=_ROUND_S, window=256, shard=_SHARD)
_ALONE: Final = Load(seconds=_LATENCY_ROUND_S, window=1, shard=1)


def main() -> None:
    """Measure and print tables. The last line is a JSON object."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="melanoma-images-") as directory:
        folder = Path(directory)
        render_many(folder, _IMAGES, size=_SIZE, seed=7)
        images = [path.read_bytes() for path in sorted(folder.iterdir())]
        console.print(f"{_IMAGES} JPEGs of {_SIZE[0]}x{_SIZE[1]}, {sum(map(len, images)) // _IMAGES // 1000} kB each")
        with BaselineProcess(folder) as baseline, Testbed() as testbed:
            (batch, threads), grid = find_best(baseline, seconds=_GRID_S)
            _print_grid(console, grid)
            testbed.run_load(images, Load(seconds=4, window=_IN_FLIGHT, shard=1))
            baselines: list[Measurement] = []
            singles: list[LoadResult] = []
            shards: list[LoadResult] = []
            direct_latencies_s: list[float] = []
            alone: list[LoadResult] = []
            for _ in range(_ROUNDS):
                baselines.append(baseline.throughput(batch=batch, threads=threads, seconds=_ROUND_S))
                singles.append(testbed.run_load(images, _SINGLE))
                shards.append(testbed.run_load(images, _SHARDED))
            for _ in range(_LATENCY_ROUNDS):
                direct_latencies_s.append(baseline.single_image_latency(seconds=_LATENCY_ROUND_S))
                alone.append(testbed.run_load(images, _ALONE))
    _print_rates(console, baselines, singles, shards)
    _print_costs(console, baselines, singles, shards)
    direct_s = statistics.median(direct_latencies_s)
    queued_s = statistics.median([latency for load in alone for latency in load.latencies_s])
    console.print(f"one at a time: {queued_s * 1000:.1f} ms through the queue, {direct_s * 1000:.1f} ms without it")
    ratios = [statistics.median(load.latencies_s) / s for load, s in zip(alone, direct_latencies_s, strict=True)]
    no_verdict = [kind for load in (*singles, *shards, *alone) for kind in load.non_verdict_kinds]
    figures = {
        "baseline_img_s": round(statistics.median(measurement.images_per_s for measurement in baselines), 1),
        "baseline_batch": batch,
        "baseline_threads": threads,
        "single_ratio": _ratio(singles, baselines),
        "sharded_ratio": _ratio(shards, baselines),
        "alone_ratio": round(statistics.median(ratios), 3),
        "single_mean_batch": round(statistics.mean(size for load in singles for size in load.batch_sizes), 1),
        "sharded_mean_batch": round(statistics.mean(size for load in shards for size in load.batch_sizes), 1),
        "no_verdict": len(no_verdict),
    }
    print(json.dumps(figures))


def _ratio(loads: list[LoadResult], baselines: list[Measurement]) -> float:
    """Median over the rounds; each round is compared with the baseline measured beside it."""
    pairs = zip(loads, baselines, strict=True)
    return round(statistics.median(load.images_per_s / baseline.images_per_s for load, baseline in pairs), 3)


def _print_grid(console: Console, grid: dict[tuple[int, int], Measurement]) -> None:
    table = Table("batch", "decode threads", "images/s", title="Baseline: one process, no queue")
    for (batch, threads), measurement in grid.items():
        table.add_row(str(batch), str(threads), f"{measurement.images_per_s:.1f}")
    console.print(table)


def _print_rates(
    console: Console, baselines: list[Measurement], singles: list[LoadResult], shards: list[LoadResult]
) -> None:
    table = Table("round", "baseline", f"single, {_IN_FLIGHT} in flight", "ratio", f"shards of {_SHARD}", "ratio")
    for number, (baseline, single, shard) in enumerate(zip(baselines, singles, shards, strict=True), 1):
        table.add_row(
            str(number),
            f"{baseline.images_per_s:.1f}",
            f"{single.images_per_s:.1f}",
            f"{single.images_per_s / baseline.images_per_s:.3f}",
            f"{shard.images_per_s:.1f}",
            f"{shard.images_per_s / baseline.images_per_s:.3f}",
        )
    console.print(table)


def _print_costs(
    console: Console, baselines: list[Measurement], singles: list[LoadResult], shards: list[LoadResult]
) -> None:
    table = Table("process", "baseline", "single", "in shards", title="CPU time of one image, in ms")
    baseline_s = statistics.median(measurement.cpu_s for measurement in baselines)
    table.add_row("decode and predict only", f"{baseline_s * 1000:.2f}", "", "")
    for name in singles[0].cpu_s:
        cells = [
            f"{sum(load.cpu_s[name] for load in loads) / sum(load.images for load in loads) * 1000:.2f}"
            for loads in (singles, shards)
        ]
        table.add_row(name, "", *cells)
    console.print(table)


if __name__ == "__main__":
    main()
