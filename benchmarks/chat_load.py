"""`make load`: 500 simulated people send four photographs each, without and with Telegram's limits.

Prints JSON. `chat_ratio` is the throughput of the whole chat beside that of the spine with one picture a message in the
same run; `limited_share` the share of 30 messages a second that went to answers; `spine_cpu_ms`, `free_cpu_ms` and
`limited_cpu_ms` what a photograph costs in each process. All of them share the same cores, Telegram's stand-in and the
people, too, which cost nothing in a real chat. So there are three more ratios: `own_ratio` is the throughput by the
cores that stand-in and people left over; `cost_ratio` the same from CPU time alone, as if no core were ever idle; and
`ceiling_ratio` what `chat_ratio` would be, no core idle, with a bot that costs nothing. Spine and chat are then run
again with the worker alone on one half of the cores and all else on the other, as where a worker has a machine of its
own: `apart_ratio` is `chat_ratio` there.
"""

import argparse
import asyncio
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import psutil

from benchmarks.harness.cpu_affinity import worker_apart
from benchmarks.harness.cpu_time import Cpu
from benchmarks.harness.simulated_users import (
    PhotoOutcome,
    bot,
    collect_outcomes,
    gather,
    quantile,
    report,
    until_answered,
)
from benchmarks.harness.testbed import Testbed
from local.bot_processes import simulator_url, start_simulator
from local.embedded_valkey import free_port
from samples.many import render_many
from shared.contract.names import Queue
from shared.redis_client.client import create_client
from simulator.client.client import SimulatorClient

_SPINE_S: Final = 15.0
_LIMIT_S: Final = 600.0

#: Telegram's.
_MESSAGES_PER_S: Final = 30

_UNLIMITED: Final = {
    "MELANOMA_TELEGRAM_PER_S": "100000",
    "MELANOMA_TELEGRAM_CHAT_PER_S": "100000",
    "MELANOMA_TELEGRAM_GROUP_PER_MINUTE": "100000",
}

#: Processes that a real chat does not have.
_NOT_OURS: Final = ("telegram", "people")


@dataclass(frozen=True, slots=True)
class Spell:
    """One spell of load: photographs a second, CPU ms a photograph by process, and what else was seen."""

    rate: float
    cpu_ms: Mapping[str, float]
    seen: Mapping[str, float]


def main() -> None:
    """Run both and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--each", type=int, default=4)
    asked = parser.parse_args()
    with Testbed() as stand:
        folder = stand.home / "pictures"
        images = [path.read_bytes() for path in render_many(folder, 16)]
        spine = _spine(stand, images)
        free = _chat(stand, images, asked.people, asked.each, limits=False)
        limited = _chat(stand, images, asked.people, asked.each, limits=True)
        with worker_apart(stand):
            spine_apart = _spine(stand, images)
            free_apart = _chat(stand, images, asked.people, asked.each, limits=False)
    cores = psutil.cpu_count() or 1
    others_ms = sum(free.cpu_ms[name] for name in _NOT_OURS)
    spine_ms, chat_ms = sum(spine.cpu_ms.values()), sum(free.cpu_ms.values())
    left = cores - free.rate * others_ms / 1000
    report(
        {
            "chat_ratio": free.rate / spine.rate,
            "own_ratio": free.rate / left / (spine.rate / cores),
            "cost_ratio": spine_ms / (chat_ms - others_ms),
            "ceiling_ratio": spine_ms / (chat_ms - free.cpu_ms["bot"]),
            "apart_ratio": free_apart.rate / spine_apart.rate,
            "limited_share": limited.rate / _MESSAGES_PER_S,
            "cores": cores,
            "spine_per_s": spine.rate,
            "free_per_s": free.rate,
            "limited_per_s": limited.rate,
            "spine_apart_per_s": spine_apart.rate,
            "free_apart_per_s": free_apart.rate,
            "spine_cpu_ms": _rounded(spine.cpu_ms),
            "free_cpu_ms": _rounded(free.cpu_ms),
            "limited_cpu_ms": _rounded(limited.cpu_ms),
            **{f"free_{name}": value for name, value in free.seen.items()},
            **{f"limited_{name}": value for name, value in limited.seen.items()},
            **{f"free_apart_{name}": value for name, value in free_apart.seen.items()},
        }
    )


def _spine(stand: Testbed, images: list[bytes]) -> Spell:
    stand.load(images, seconds=5, window=64, shard=1, queue=Queue.INTERACTIVE)
    load = stand.load(images, seconds=_SPINE_S, window=64, shard=1, queue=Queue.INTERACTIVE)
    return Spell(load.rate, {name: spent * 1000 / load.pictures for name, spent in load.cpu_s.items()}, {})


def _chat(stand: Testbed, images: list[bytes], people: int, each: int, *, limits: bool) -> Spell:
    create_client(stand.broker.url).flushall()
    port = free_port()
    with ExitStack() as stack:
        telegram = stack.enter_context(start_simulator(stand.home / f"telegram-{port}.log", port, "--no-limits"))
        replica = stack.enter_context(bot(stand.home, f"bot-{port}", port, **({} if limits else _UNLIMITED)))
        processes = {"bot": replica.pid, "worker": stand.workers[0].pid, "broker": stand.broker.pid or 0}
        cpu = Cpu({**processes, "telegram": telegram.pid, "people": os.getpid()})
        return asyncio.run(_run(stand, simulator_url(port), images, people, each, cpu, limits=limits))


async def _run(
    stand: Testbed, address: str, images: list[bytes], people: int, each: int, cpu: Cpu, *, limits: bool
) -> Spell:
    async with SimulatorClient(address) as simulator:
        crowd = await gather(simulator, people)
        uploads = [await simulator.upload(image) for image in images]
        await simulator.set_rate_limits(enabled=limits)
        before = (await simulator.get_calls())[-1]["seq"]
        with cpu:
            await simulator.start_load(crowd, uploads, each)
            await until_answered(create_client(stand.broker.url), people * each, _LIMIT_S)
        found = await collect_outcomes(crowd)
        calls = await simulator.get_calls(before)
    ends = [fate.answered_at for fate in found if fate.answer_s is not None]
    cpu_ms = {name: spent * 1000 / len(found) for name, spent in cpu.spent_s.items()}
    return Spell((len(ends) - 1) / (max(ends) - min(ends)), cpu_ms, _seen(found, calls))


def _seen(found: list[PhotoOutcome], calls: list[dict[str, Any]]) -> dict[str, float]:
    words = [fate.first_word_s for fate in found if fate.first_word_s is not None]
    waits = [fate.answer_s for fate in found if fate.answer_s is not None]
    return {
        "photographs": len(found),
        "lost": len(found) - len(waits),
        "doubled": sum(fate.doubled for fate in found),
        "first_word_p50_s": quantile(words, 0.5),
        "first_word_p99_s": quantile(words, 0.99),
        "answer_p50_s": quantile(waits, 0.5),
        "answer_p99_s": quantile(waits, 0.99),
        "refused_429": sum(call["error_code"] == 429 for call in calls),
        "words_of_progress": sum(call["method"] in ("sendMessage", "editMessageText") for call in calls),
    }


def _rounded(cpu_ms: Mapping[str, float]) -> dict[str, float]:
    return {name: round(spent, 2) for name, spent in cpu_ms.items()}


if __name__ == "__main__":
    main()
