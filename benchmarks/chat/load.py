"""`make load`: 500 simulated users send four photographs each, without and with Telegram's rate limits.

Prints JSON:

* `chat_ratio`: throughput of the chat, divided by that of the service path in the same run. The service path is ledger,
  queue and worker without the bot, with one image in a message.
* `limited_share`: answers a second, as a share of the 30 messages a second that Telegram allows.
* `bystander_ratio`: how long other users wait for a reply and an answer while one user sends 500 photographs, 500
  commands and 500 presses at once, divided by how long they wait without.
* `service_cpu_ms`, `unlimited_cpu_ms`, `limited_cpu_ms`: CPU time of one photograph, by process.

All processes share the same cores, including the simulator and the simulated users, which do not exist in a real
deployment. Three ratios correct for that:

* `own_ratio`: `chat_ratio` with the throughput divided by the cores that simulator and users left free.
* `cost_ratio`: the same from CPU time only, as if no core were ever idle.
* `ceiling_ratio`: `chat_ratio` as it would be with a bot that costs nothing and no idle core.

`apart_ratio` is `chat_ratio` from a second run, in which the worker has one half of the cores and everything else the
other half. That imitates a worker with a machine of its own.
"""

import argparse
import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import psutil

from benchmarks.harness.cpu_affinity import isolate_worker
from benchmarks.harness.cpu_time import CpuTimer
from benchmarks.harness.flood import measure_bystanders
from benchmarks.harness.load_run import Load
from benchmarks.harness.simulated_users import (
    PhotoOutcome,
    collect_outcomes,
    create_users,
    print_figures,
    quantile,
    start_benchmark_bot,
    wait_until_answered,
)
from benchmarks.harness.testbed import Testbed
from local.bot_processes import simulator_url, start_simulator
from local.embedded_valkey import free_port
from samples.image_set import render_many
from shared.contract.names import Queue
from shared.redis_client.client import create_client
from simulator.client.client import SimulatorClient

_SERVICE_PATH_S: Final = 15.0
_TIMEOUT_S: Final = 600.0

#: Users who wait without, and as many with the flood of one user.
_BYSTANDERS: Final = 5

#: Telegram's limit for one bot.
_MESSAGES_PER_S: Final = 30

_UNLIMITED: Final = {
    "MELANOMA_TELEGRAM_PER_S": "100000",
    "MELANOMA_TELEGRAM_CHAT_PER_S": "100000",
    "MELANOMA_TELEGRAM_GROUP_PER_MINUTE": "100000",
}

#: Processes that exist only in the simulation.
_SIMULATION_PROCESSES: Final = ("simulator", "users")


@dataclass(frozen=True, slots=True)
class LoadPhase:
    """Figures of one phase of load. `cpu_ms` is the CPU time of one photograph by process."""

    images_per_s: float
    cpu_ms: Mapping[str, float]
    details: Mapping[str, float]


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--each", type=int, default=4)
    parser.add_argument("--flood", type=int, default=500, help="photographs, commands and presses of one user, each")
    args = parser.parse_args()
    with Testbed() as testbed:
        folder = testbed.home / "pictures"
        images = [path.read_bytes() for path in render_many(folder, 16)]
        service = _run_service_path(testbed, images)
        unlimited = run_chat(testbed, images, args.users, args.each, limits=False)
        limited = run_chat(testbed, images, args.users, args.each, limits=True)
        create_client(testbed.broker.url).flushall()
        quiet, flooded = measure_bystanders(testbed.home, images, args.flood, _BYSTANDERS)
        with isolate_worker(testbed):
            service_apart = _run_service_path(testbed, images)
            unlimited_apart = run_chat(testbed, images, args.users, args.each, limits=False)
    cores = psutil.cpu_count() or 1
    simulation_ms = sum(unlimited.cpu_ms[name] for name in _SIMULATION_PROCESSES)
    service_ms, chat_ms = sum(service.cpu_ms.values()), sum(unlimited.cpu_ms.values())
    available_cores = cores - unlimited.images_per_s * simulation_ms / 1000
    print_figures(
        {
            "chat_ratio": unlimited.images_per_s / service.images_per_s,
            "own_ratio": unlimited.images_per_s / available_cores / (service.images_per_s / cores),
            "cost_ratio": service_ms / (chat_ms - simulation_ms),
            "ceiling_ratio": service_ms / (chat_ms - unlimited.cpu_ms["bot"]),
            "apart_ratio": unlimited_apart.images_per_s / service_apart.images_per_s,
            "bystander_ratio": flooded.ratio_to(quiet),
            "limited_share": limited.images_per_s / _MESSAGES_PER_S,
            "cores": cores,
            "service_per_s": service.images_per_s,
            "unlimited_per_s": unlimited.images_per_s,
            "limited_per_s": limited.images_per_s,
            "service_apart_per_s": service_apart.images_per_s,
            "unlimited_apart_per_s": unlimited_apart.images_per_s,
            "quiet_reply_s": quiet.reply_s,
            "quiet_answer_s": quiet.answer_s,
            "flooded_reply_s": flooded.reply_s,
            "flooded_answer_s": flooded.answer_s,
            "service_cpu_ms": _rounded(service.cpu_ms),
            "unlimited_cpu_ms": _rounded(unlimited.cpu_ms),
            "limited_cpu_ms": _rounded(limited.cpu_ms),
            **{f"unlimited_{name}": value for name, value in unlimited.details.items()},
            **{f"limited_{name}": value for name, value in limited.details.items()},
            **{f"unlimited_apart_{name}": value for name, value in unlimited_apart.details.items()},
        }
    )


def _run_service_path(testbed: Testbed, images: list[bytes]) -> LoadPhase:
    testbed.run_load(images, Load(seconds=5, window=64, shard=1, queue=Queue.INTERACTIVE))
    load = testbed.run_load(images, Load(seconds=_SERVICE_PATH_S, window=64, shard=1, queue=Queue.INTERACTIVE))
    return LoadPhase(load.images_per_s, {name: cpu_s * 1000 / load.images for name, cpu_s in load.cpu_s.items()}, {})


def run_chat(
    testbed: Testbed,
    images: list[bytes],
    user_count: int,
    each: int,
    *,
    limits: bool,
    bot_command: Sequence[str] | None = None,
    create_timer: Callable[[Mapping[str, int]], CpuTimer] = CpuTimer,
) -> LoadPhase:
    """Let users send `each` photographs, with or without Telegram's limits.

    `bot_command` runs the bot in another way than by its own command. `create_timer` gets the processes by name.
    """
    create_client(testbed.broker.url).flushall()
    port = free_port()
    with ExitStack() as stack:
        simulator = stack.enter_context(start_simulator(testbed.home / f"simulator-{port}.log", port, "--no-limits"))
        bot = stack.enter_context(
            start_benchmark_bot(
                testbed.home, f"bot-{port}", port, command=bot_command, **({} if limits else _UNLIMITED)
            )
        )
        processes = {"bot": bot.pid, "worker": testbed.workers[0].pid, "broker": testbed.broker.pid or 0}
        timer = create_timer({**processes, "simulator": simulator.pid, "users": os.getpid()})
        return asyncio.run(_send_photos(simulator_url(port), images, user_count, each, timer, limits=limits))


async def _send_photos(
    address: str, images: list[bytes], user_count: int, each: int, timer: CpuTimer, *, limits: bool
) -> LoadPhase:
    async with SimulatorClient(address) as simulator:
        users = await create_users(simulator, user_count)
        uploads = [await simulator.upload(image) for image in images]
        await simulator.set_rate_limits(enabled=limits)
        before = (await simulator.get_calls())[-1]["seq"]
        with timer:
            await simulator.start_load(users, uploads, each)
            await wait_until_answered(simulator, user_count * each, _TIMEOUT_S)
        outcomes = await collect_outcomes(users)
        calls = await simulator.get_calls(before)
    answered_at = [outcome.answered_at for outcome in outcomes if outcome.answer_s is not None]
    cpu_ms = {name: cpu_s * 1000 / len(outcomes) for name, cpu_s in timer.cpu_s.items()}
    return LoadPhase(
        (len(answered_at) - 1) / (max(answered_at) - min(answered_at)), cpu_ms, _chat_details(outcomes, calls)
    )


def _chat_details(outcomes: list[PhotoOutcome], calls: list[dict[str, Any]]) -> dict[str, float]:
    first_replies = [outcome.first_reply_s for outcome in outcomes if outcome.first_reply_s is not None]
    waits = [outcome.answer_s for outcome in outcomes if outcome.answer_s is not None]
    return {
        "photographs": len(outcomes),
        "lost": len(outcomes) - len(waits),
        "doubled": sum(outcome.duplicates for outcome in outcomes),
        "first_reply_p50_s": quantile(first_replies, 0.5),
        "first_reply_p99_s": quantile(first_replies, 0.99),
        "answer_p50_s": quantile(waits, 0.5),
        "answer_p99_s": quantile(waits, 0.99),
        "refused_429": sum(call["error_code"] == 429 for call in calls),
        "progress_messages": sum(call["method"] in ("sendMessage", "editMessageText") for call in calls),
    }


def _rounded(cpu_ms: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in cpu_ms.items()}


if __name__ == "__main__":
    main()
