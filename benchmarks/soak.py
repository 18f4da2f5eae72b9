"""`make soak`: half an hour at 80 % of the measured limit, by people in a chat, single pictures and folders at once.

Prints JSON: what was lost, doubled or left behind (nothing); `p99_ratio`, the p99 of single pictures in the last sixth
of the time beside that in the first; and for each process how memory, file handles and threads grow in an hour, as a
share (`*_growth_per_h`), by a least-squares line through all but the first sixth, in which caches and pools fill.
Records of answers are kept for a sixth of the time instead of for days, or Redis would grow by them all the while.
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
from benchmarks.harness.baseline import BaselineProcess, best
from benchmarks.harness.process_stats import ProcessMonitor, Readings
from benchmarks.harness.simulated_users import bot, quantile, report
from benchmarks.harness.soak_users import Answered
from benchmarks.harness.testbed import LoadResult, Testbed
from local.bot_processes import stand_in, start_stand_in
from local.embedded_valkey import free_port
from samples.many import render_many
from shared.contract.names import Queue
from shared.ledger import admin
from shared.redis_client.client import create_client

_SHARE: Final = 0.8
#: Of the limit, by single pictures; the chat takes `soak_chat.PER_S` a second, folders the rest.
_SINGLES_SHARE: Final = 0.1
_SINGLE_STREAMS: Final = 8
_FOLDERS: Final = 4
_SHARD: Final = 16

_PICTURES: Final = 64
_GRID_S: Final = 2.0
_WARM_S: Final = 15.0

#: The time is looked at in so many parts: the first is compared with the last.
_PARTS: Final = 6

#: The settings allow no less. Seconds.
_LEAST_RETENTION_S: Final = 60.0

#: Not of the service: they keep every answer that they got.
_OUTSIDE: Final = frozenset({"client", "stand-in"})


def main() -> None:
    """Run and print a table, and one JSON object as the last line."""
    parser = argparse.ArgumentParser(description="Half an hour at 80 % of the limit: does anything grow, or get lost?")
    parser.add_argument("--minutes", type=float, default=30)
    seconds = parser.parse_args().minutes * 60
    console = Console()
    with tempfile.TemporaryDirectory(prefix="melanoma-pictures-") as place:
        images = [path.read_bytes() for path in render_many(Path(place), _PICTURES, size=(640, 480), seed=17)]
        with BaselineProcess(Path(place)) as process:
            point, grid = best(process, seconds=_GRID_S)
        limit = grid[point].rate
    console.print(f"the limit: {limit:.0f} pictures a second; {_SHARE:.0%} of it for {seconds / 60:g} minutes")
    with Testbed(persistent=True) as stand, ExitStack() as stack:
        port = free_port()
        telegram = stack.enter_context(start_stand_in(stand.home / "stand-in.log", port))
        kept = {"MELANOMA_ANSWER_RETENTION_S": str(max(_LEAST_RETENTION_S, seconds / _PARTS))}
        replica = stack.enter_context(bot(stand.home, "bot", port, **kept))
        stand.load(images, seconds=_WARM_S, window=2 * _SHARD, shard=_SHARD)
        extra = {"bot": replica.pid, "stand-in": telegram.pid}
        with ProcessMonitor(stand.processes(extra), create_client(stand.broker.url)) as vitals:
            singles, folders, people = _load(stand, stand_in(port), images, seconds, limit)
        left = _left_behind(stand)
    _print(console, vitals, seconds)
    report(_outcome(singles, folders, people, limit, seconds) | {"left_behind": left} | _growth(vitals, seconds))


def _load(
    stand: Testbed, address: str, images: list[bytes], seconds: float, limit: float
) -> tuple[list[LoadResult], list[LoadResult], Answered]:
    """All at once, until their last answer."""
    singles = limit * _SINGLES_SHARE
    folders = limit * _SHARE - singles - soak_users.PER_S
    with ThreadPoolExecutor(_SINGLE_STREAMS + _FOLDERS + 1) as pool:

        def stream(rate: float, shard: int, queue: Queue) -> "Future[LoadResult]":
            return pool.submit(
                stand.load, images, seconds=seconds, window=shard, shard=shard, queue=queue, every_s=shard / rate
            )

        asked = [stream(singles / _SINGLE_STREAMS, 1, Queue.INTERACTIVE) for _ in range(_SINGLE_STREAMS)]
        bulk = [stream(folders / _FOLDERS, _SHARD, Queue.BULK) for _ in range(_FOLDERS)]
        people = pool.submit(soak_users.chat, address, images, seconds)
        return [one.result() for one in asked], [one.result() for one in bulk], people.result()


def _left_behind(stand: Testbed) -> int:
    """Jobs, dead letters and bytes of pictures that are still there when all are answered."""
    survey = stand.ledger.run(admin.get_overview())
    return survey.undecided + survey.dead_letters + survey.claimed + stand.store.get_used_bytes()


def _outcome(
    singles: list[LoadResult], folders: list[LoadResult], people: Answered, limit: float, seconds: float
) -> dict[str, Any]:
    loads = [*singles, *folders]
    answered = sum(load.pictures for load in loads) + len(people.latencies)
    first, last = _p99s(singles, seconds)
    return {
        "minutes": seconds / 60,
        "limit_img_s": limit,
        "photographs": answered,
        "share_of_limit": answered / seconds / limit,
        "lost": sum(load.lost + load.others.count("failure") for load in loads) + people.lost,
        "doubled": sum(load.doubled for load in loads) + people.doubled,
        "p99_first_ms": first * 1000,
        "p99_last_ms": last * 1000,
        "p99_ratio": last / first,
        "bulk_p99_ratio": _ratio(*_p99s(folders, seconds)),
        "chat_p99_ratio": _ratio(*_p99s([people], seconds)),
    }


def _p99s(loads: "list[LoadResult] | list[Answered]", seconds: float) -> tuple[float, float]:
    """p99 in seconds of what was begun in the first part of the time, and in the last."""
    pairs = [pair for load in loads for pair in zip(load.begun, load.latencies, strict=True)]
    part = seconds / _PARTS
    first = [latency for begun, latency in pairs if begun < part]
    last = [latency for begun, latency in pairs if begun >= seconds - part]
    return quantile(first, 0.99), quantile(last, 0.99)


def _ratio(first: float, last: float) -> float:
    return last / first if first else 0.0


def _growth(vitals: ProcessMonitor, seconds: float) -> dict[str, float]:
    """What grows of the service's own processes, in an hour, as a share."""
    return {
        f"{name.replace(' ', '_')}_{measure}_growth_per_h": readings.trend(seconds / _PARTS).growth_per_h
        for (name, measure), readings in vitals.readings.items()
        if name not in _OUTSIDE
    }


def _print(console: Console, vitals: ProcessMonitor, seconds: float) -> None:
    table = Table("process", "what", "first", "last", "an hour more", "share", title="After the first sixth")
    for (name, measure), readings in vitals.readings.items():
        table.add_row(
            f"{name} (not of the service)" if name in _OUTSIDE else name, measure, *_cells(readings, measure, seconds)
        )
    console.print(table)


def _cells(readings: Readings, measure: str, seconds: float) -> tuple[str, str, str, str]:
    trend = readings.trend(seconds / _PARTS)
    unit, size = (" MB", 1e6) if measure in ("memory", "data") else ("", 1.0)
    first, last, more = (f"{value / size:.1f}{unit}" for value in (trend.first, trend.last, trend.per_hour))
    return first, last, more, f"{trend.growth_per_h:+.1%}"


if __name__ == "__main__":
    main()
