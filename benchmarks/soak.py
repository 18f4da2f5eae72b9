"""`make soak`: half an hour at 80 % of the baseline, with chat users, single images and folders at the same time.

Prints JSON. `lost`, `doubled` and `left_behind` must be 0. `p99_ratio` is the p99 of single images in the last sixth of
the time, divided by that in the first sixth. `*_growth_per_h` is the growth of a process's memory, file handles or
threads in an hour, as a share, from a least-squares line that leaves out the first sixth, in which caches and pools
fill. Answers are retained for a sixth of the time instead of days: otherwise Redis would grow with them all the time.
"""

import argparse
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.harness import soak_users
from benchmarks.harness.baseline import BaselineProcess, find_best
from benchmarks.harness.load_run import Load, LoadResult
from benchmarks.harness.process_stats import ProcessMonitor, TimeSeries
from benchmarks.harness.simulated_users import print_figures, quantile, start_benchmark_bot
from benchmarks.harness.soak_users import ChatResult
from benchmarks.harness.testbed import Testbed
from local.bot_processes import simulator_url, start_simulator
from local.embedded_valkey import free_port
from samples.image_set import render_many
from shared.contract.names import Queue
from shared.ledger import admin
from shared.redis_client.client import create_client

_LOAD_SHARE: Final = 0.8
#: Share of the baseline for single images. The chat sends `soak_users.PHOTOS_PER_S`; folders make up the rest.
_SINGLE_SHARE: Final = 0.1
_SINGLE_STREAMS: Final = 8
_FOLDERS: Final = 4
_SHARD: Final = 16

_IMAGES: Final = 64
_GRID_S: Final = 2.0
_WARMUP_S: Final = 15.0

#: Number of parts of the run. The first is compared with the last.
_PARTS: Final = 6

#: Minimum of MELANOMA_ANSWER_RETENTION_S.
_MIN_RETENTION_S: Final = 60.0

#: Processes that are not part of the service. They grow, because they keep every answer.
_EXTERNAL_PROCESSES: Final = frozenset({"client", "simulator"})


def main() -> None:
    """Run and print a table. The last line is a JSON object."""
    parser = argparse.ArgumentParser(
        description="Load the service at 80 % of the baseline and report growth and losses."
    )
    parser.add_argument("--minutes", type=float, default=30)
    seconds = parser.parse_args().minutes * 60
    console = Console()
    with tempfile.TemporaryDirectory(prefix="melanoma-images-") as directory:
        images = [path.read_bytes() for path in render_many(Path(directory), _IMAGES, size=(640, 480), seed=17)]
        with BaselineProcess(Path(directory)) as baseline:
            point, grid = find_best(baseline, seconds=_GRID_S)
        baseline_rate = grid[point].images_per_s
    console.print(
        f"baseline: {baseline_rate:.0f} images a second; load: {_LOAD_SHARE:.0%} of it for {seconds / 60:g} minutes"
    )
    with Testbed(persistent=True) as testbed, ExitStack() as stack:
        port = free_port()
        simulator = stack.enter_context(start_simulator(testbed.home / "simulator.log", port))
        retention = {"MELANOMA_ANSWER_RETENTION_S": str(max(_MIN_RETENTION_S, seconds / _PARTS))}
        bot = stack.enter_context(start_benchmark_bot(testbed.home, "bot", port, **retention))
        testbed.run_load(images, Load(seconds=_WARMUP_S, window=2 * _SHARD, shard=_SHARD))
        extra = {"bot": bot.pid, "simulator": simulator.pid}
        with ProcessMonitor(testbed.processes(extra), create_client(testbed.broker.url)) as monitor:
            single, folders, chat = _run_load(testbed, simulator_url(port), images, seconds, baseline_rate)
        leftovers = _count_leftovers(testbed)
    _print_table(console, monitor, seconds)
    print_figures(
        _figures(single, folders, chat, baseline_rate, seconds) | {"left_behind": leftovers} | _growth(monitor, seconds)
    )


def _run_load(
    testbed: Testbed, address: str, images: list[bytes], seconds: float, baseline_rate: float
) -> tuple[list[LoadResult], list[LoadResult], ChatResult]:
    """Run single images, folders and chat at the same time; returns after their last answer."""
    single = baseline_rate * _SINGLE_SHARE
    folders = baseline_rate * _LOAD_SHARE - single - soak_users.PHOTOS_PER_S
    with ThreadPoolExecutor(_SINGLE_STREAMS + _FOLDERS + 1) as pool:

        def stream(rate: float, shard: int, queue: Queue) -> "Future[LoadResult]":
            load = Load(seconds=seconds, window=shard, shard=shard, queue=queue, interval_s=shard / rate)
            return pool.submit(testbed.run_load, images, load)

        interactive = [stream(single / _SINGLE_STREAMS, 1, Queue.INTERACTIVE) for _ in range(_SINGLE_STREAMS)]
        bulk = [stream(folders / _FOLDERS, _SHARD, Queue.BULK) for _ in range(_FOLDERS)]
        chat = pool.submit(soak_users.run_chat, address, images, seconds)
        return [future.result() for future in interactive], [future.result() for future in bulk], chat.result()


def _count_leftovers(testbed: Testbed) -> int:
    """Jobs, dead letters and bytes of images that remain after all answers."""
    overview = testbed.ledger.run(admin.get_overview())
    return overview.undecided + overview.dead_letters + overview.claimed + testbed.store.get_used_bytes()


def _figures(
    single: list[LoadResult], folders: list[LoadResult], chat: ChatResult, baseline_rate: float, seconds: float
) -> dict[str, Any]:
    loads = [*single, *folders]
    answered = sum(load.images for load in loads) + len(chat.latencies_s)
    first, last = _first_and_last_p99(single, seconds)
    return {
        "minutes": seconds / 60,
        "baseline_img_s": baseline_rate,
        "photographs": answered,
        "share_of_baseline": answered / seconds / baseline_rate,
        "lost": sum(load.lost + load.non_verdict_kinds.count("failure") for load in loads) + chat.lost,
        "doubled": sum(load.duplicates for load in loads) + chat.duplicates,
        "p99_first_ms": first * 1000,
        "p99_last_ms": last * 1000,
        "p99_ratio": last / first,
        "bulk_p99_ratio": _ratio(*_first_and_last_p99(folders, seconds)),
        "chat_p99_ratio": _ratio(*_first_and_last_p99([chat], seconds)),
    }


def _first_and_last_p99(loads: "list[LoadResult] | list[ChatResult]", seconds: float) -> tuple[float, float]:
    """p99 in seconds of images started in the first part of the time, and in the last."""
    pairs = [pair for load in loads for pair in zip(load.started_at_s, load.latencies_s, strict=True)]
    part = seconds / _PARTS
    first = [latency for begun, latency in pairs if begun < part]
    last = [latency for begun, latency in pairs if begun >= seconds - part]
    return quantile(first, 0.99), quantile(last, 0.99)


def _ratio(first: float, last: float) -> float:
    return last / first if first else 0.0


def _growth(monitor: ProcessMonitor, seconds: float) -> dict[str, float]:
    """Growth of the service's processes in an hour, as a share."""
    return {
        f"{name.replace(' ', '_')}_{metric}_growth_per_h": series.trend(seconds / _PARTS).growth_per_h
        for (name, metric), series in monitor.series.items()
        if name not in _EXTERNAL_PROCESSES
    }


def _print_table(console: Console, monitor: ProcessMonitor, seconds: float) -> None:
    table = Table("process", "metric", "first", "last", "growth per hour", "share", title="After the first sixth")
    for (name, metric), series in monitor.series.items():
        table.add_row(
            f"{name} (not part of the service)" if name in _EXTERNAL_PROCESSES else name,
            metric,
            *_cells(series, metric, seconds),
        )
    console.print(table)


def _cells(series: TimeSeries, metric: str, seconds: float) -> tuple[str, str, str, str]:
    trend = series.trend(seconds / _PARTS)
    unit, size = (" MB", 1e6) if metric in ("memory", "data") else ("", 1.0)
    first, last, more = (f"{value / size:.1f}{unit}" for value in (trend.first, trend.last, trend.per_hour))
    return first, last, more, f"{trend.growth_per_h:+.1%}"


if __name__ == "__main__":
    main()
