"""`make load`: 500 simulated people send four photographs each, without and with Telegram's limits.

Prints JSON: `chat_ratio` is the throughput of the whole chat, stand-in and people included, beside that of the spine
with one picture a message in the same run; `limited_share` is the share of 30 messages a second that went to answers.
"""

import argparse
import asyncio
from contextlib import ExitStack
from typing import Any, Final

import psutil

from benchmarks.crowd import Fate, bot, burst, fates, gather, quantile, report, until_answered
from benchmarks.stand import Stand
from local.embedded_valkey import free_port
from local.telegram import stand_in, start_stand_in
from samples.many import render_many
from shared.contract.names import Queue
from shared.redis_client import connect
from simulator.people import Simulator

_SPINE_S: Final = 15.0
_LIMIT_S: Final = 600.0

#: Telegram's.
_MESSAGES_PER_S: Final = 30

_UNLIMITED: Final = {
    "MELANOMA_TELEGRAM_PER_S": "100000",
    "MELANOMA_TELEGRAM_CHAT_PER_S": "100000",
    "MELANOMA_TELEGRAM_GROUP_PER_MINUTE": "100000",
}


def main() -> None:
    """Run both and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--each", type=int, default=4)
    asked = parser.parse_args()
    with Stand() as stand:
        folder = stand.home / "pictures"
        pictures = [path.read_bytes() for path in render_many(folder, 16)]
        stand.load(pictures, seconds=5, window=64, shard=1, queue=Queue.INTERACTIVE)
        spine = stand.load(pictures, seconds=_SPINE_S, window=64, shard=1, queue=Queue.INTERACTIVE).rate
        free = _chat(stand, pictures, asked.people, asked.each, limits=False)
        limited = _chat(stand, pictures, asked.people, asked.each, limits=True)
    report(
        {
            "chat_ratio": free["rate"] / spine,
            "limited_share": limited["rate"] / _MESSAGES_PER_S,
            "spine_per_s": spine,
            **{f"free_{name}": value for name, value in free.items()},
            **{f"limited_{name}": value for name, value in limited.items()},
        }
    )


def _chat(stand: Stand, pictures: list[bytes], people: int, each: int, *, limits: bool) -> dict[str, Any]:
    connect(stand.broker.url).flushall()
    port = free_port()
    with ExitStack() as stack:
        telegram = stack.enter_context(start_stand_in(stand.home / f"telegram-{limits}.log", port, "--no-limits"))
        replica = stack.enter_context(bot(stand.home, f"bot-{limits}", port, **({} if limits else _UNLIMITED)))
        processes = {"telegram": telegram.pid, "bot": replica.pid, "worker": stand.workers[0].pid}
        before = {name: _cpu_s(pid) for name, pid in processes.items()}
        figures = asyncio.run(_run(stand, stand_in(port), pictures, people, each, limits=limits))
        # The people's first words are in it, too: an upper bound.
        each_ms = {f"{name}_cpu_ms": (_cpu_s(pid) - before[name]) * 1000 for name, pid in processes.items()}
        return figures | {name: spent / figures["photographs"] for name, spent in each_ms.items()}


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def _run(
    stand: Stand, address: str, pictures: list[bytes], people: int, each: int, *, limits: bool
) -> dict[str, Any]:
    async with Simulator(address) as simulator:
        crowd = await gather(simulator, people)
        uploads = [await simulator.upload(picture) for picture in pictures]
        await simulator.limits(on=limits)
        before = (await simulator.calls())[-1]["seq"]
        await burst(crowd, uploads, each)
        await until_answered(connect(stand.broker.url), people * each, _LIMIT_S)
        found = await fates(crowd)
        calls = await simulator.calls(before)
        return _figures(found, calls)


def _figures(found: list[Fate], calls: list[dict[str, Any]]) -> dict[str, Any]:
    answered = [fate.answered_at for fate in found if fate.answer_s is not None]
    words = [fate.first_word_s for fate in found if fate.first_word_s is not None]
    waits = [fate.answer_s for fate in found if fate.answer_s is not None]
    return {
        "photographs": len(found),
        "lost": len(found) - len(answered),
        "doubled": sum(fate.doubled for fate in found),
        "rate": (len(answered) - 1) / (max(answered) - min(answered)),
        "first_word_p50_s": quantile(words, 0.5),
        "first_word_p99_s": quantile(words, 0.99),
        "answer_p50_s": quantile(waits, 0.5),
        "answer_p99_s": quantile(waits, 0.99),
        "refused_429": sum(call["error_code"] == 429 for call in calls),
        "words_of_progress": sum(call["method"] in ("sendMessage", "editMessageText") for call in calls),
    }


if __name__ == "__main__":
    main()
