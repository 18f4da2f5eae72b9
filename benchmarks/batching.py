"""`make bench`: what the queue, the ledger and the batching cost, against the same model without them.

Everything on this machine and in this run, taking turns; the load generator's share is included.
"""

import json
import statistics
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.harness.baseline import BaselineProcess, Measurement, best
from benchmarks.harness.testbed import LoadResult, Testbed
from samples.many import render_many

_PICTURES: Final = 192
_SIZE: Final = (1024, 768)
_GRID_S: Final = 3.0
_TURNS: Final = 5
_TURN_S: Final = 8.0
_ALONE_TURNS: Final = 10
_ALONE_S: Final = 2.0

_IN_FLIGHT: Final = 128
_SHARD: Final = 16
_SHARD_WINDOW: Final = 256


def main() -> None:
    """Measure, print a table, and one JSON object as the last line."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="melanoma-pictures-") as place:
        folder = Path(place)
        render_many(folder, _PICTURES, size=_SIZE, seed=7)
        images = [path.read_bytes() for path in sorted(folder.iterdir())]
        console.print(
            f"{_PICTURES} JPEGs of {_SIZE[0]}x{_SIZE[1]}, {sum(map(len, images)) // _PICTURES // 1000} kB each"
        )
        with BaselineProcess(folder) as limit, Testbed() as stand:
            (batch, threads), grid = best(limit, seconds=_GRID_S)
            _print_grid(console, grid)
            stand.load(images, seconds=4, window=_IN_FLIGHT, shard=1)
            limits: list[Measurement] = []
            singles: list[LoadResult] = []
            shards: list[LoadResult] = []
            directs: list[float] = []
            alone: list[LoadResult] = []
            for _ in range(_TURNS):
                limits.append(limit.throughput(batch=batch, threads=threads, seconds=_TURN_S))
                singles.append(stand.load(images, seconds=_TURN_S, window=_IN_FLIGHT, shard=1))
                shards.append(stand.load(images, seconds=_TURN_S, window=_SHARD_WINDOW, shard=_SHARD))
            for _ in range(_ALONE_TURNS):
                directs.append(limit.direct(seconds=_ALONE_S))
                alone.append(stand.load(images, seconds=_ALONE_S, window=1, shard=1))
    _print_rates(console, limits, singles, shards)
    _print_costs(console, limits, singles, shards)
    direct = statistics.median(directs)
    through = statistics.median([latency for load in alone for latency in load.latencies])
    console.print(f"alone: {through * 1000:.1f} ms through the queue, {direct * 1000:.1f} ms direct")
    lost = [kind for load in (*singles, *shards, *alone) for kind in load.others]
    figures = {
        "limit_img_s": round(statistics.median(reading.rate for reading in limits), 1),
        "limit_batch": batch,
        "limit_threads": threads,
        "single_ratio": _ratio(singles, limits),
        "sharded_ratio": _ratio(shards, limits),
        "alone_ratio": round(
            statistics.median(
                statistics.median(load.latencies) / base for load, base in zip(alone, directs, strict=True)
            ),
            3,
        ),
        "single_mean_batch": round(statistics.mean(size for load in singles for size in load.batches), 1),
        "sharded_mean_batch": round(statistics.mean(size for load in shards for size in load.batches), 1),
        "no_verdict": len(lost),
    }
    print(json.dumps(figures))


def _ratio(loads: list[LoadResult], limits: list[Measurement]) -> float:
    """Median over the turns: each against the limit measured beside it."""
    return round(statistics.median(load.rate / base.rate for load, base in zip(loads, limits, strict=True)), 3)


def _print_grid(console: Console, grid: dict[tuple[int, int], Measurement]) -> None:
    table = Table("batch", "decode threads", "pictures/s", title="The limit, no queue")
    for (batch, threads), reading in grid.items():
        table.add_row(str(batch), str(threads), f"{reading.rate:.1f}")
    console.print(table)


def _print_rates(
    console: Console, limits: list[Measurement], singles: list[LoadResult], shards: list[LoadResult]
) -> None:
    table = Table("turn", "limit", f"single, {_IN_FLIGHT} in flight", "ratio", f"shards of {_SHARD}", "ratio")
    for turn, (base, single, shard) in enumerate(zip(limits, singles, shards, strict=True), 1):
        table.add_row(
            str(turn),
            f"{base.rate:.1f}",
            f"{single.rate:.1f}",
            f"{single.rate / base.rate:.3f}",
            f"{shard.rate:.1f}",
            f"{shard.rate / base.rate:.3f}",
        )
    console.print(table)


def _print_costs(
    console: Console, limits: list[Measurement], singles: list[LoadResult], shards: list[LoadResult]
) -> None:
    table = Table("process", "limit", "single", "in shards", title="Where the time goes: ms of CPU a picture")
    base = statistics.median(reading.cpu_s for reading in limits)
    table.add_row("decode and predict alone", f"{base * 1000:.2f}", "", "")
    for name in singles[0].cpu_s:
        cells = [
            f"{sum(load.cpu_s[name] for load in loads) / sum(load.pictures for load in loads) * 1000:.2f}"
            for loads in (singles, shards)
        ]
        table.add_row(name, "", *cells)
    console.print(table)


if __name__ == "__main__":
    main()
