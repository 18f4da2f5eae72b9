"""`make faults`: sends 1,000 photographs while processes are killed and Redis refuses.

In each round every user sends a photograph, and one of two bots in webhook mode and two workers is killed with SIGKILL.
Redis is killed and restarted twice, fails over, misses replicas, and is at its memory limit while a worker starts. 5 %
of the Bot API calls fail, before or after they take effect. Prints JSON: `lost` counts photographs without an answer,
`apologies` answers that report a failure, `doubled` answers beyond the first of a photograph, and `replies_lost` calls
that took effect although the bot saw them fail. `tracebacks` names the logs with a traceback, each with its last error.
"""

import argparse
import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from benchmarks.harness.redis_faults import at_memory_limit, demoted, without_replicas
from benchmarks.harness.simulated_users import (
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
from local.subprocesses import BackgroundProcess
from samples.image_set import render_many
from simulator.client.client import SimulatorClient

_TIMEOUT_S: Final = 420.0
#: In each round every user sends one photograph, within this time. After the pause something fails.
_SPREAD_S: Final = 6.0
_PAUSE_S: Final = 3.0

#: A failover and a spell without replicas last this long.
_SPELL_S: Final = 3.0

_FAILOVER, _KILL, _MEMORY_LIMIT, _NO_REPLICAS = "redis failover", "redis", "redis at its memory limit", "redis replicas"
_SPELLS: Final = {_FAILOVER: demoted, _NO_REPLICAS: without_replicas}

#: Faults of Redis by round. In rounds 2 and 6 workers are killed: at the memory limit a worker must be able to start.
_REDIS_FAULTS: Final = {0: _FAILOVER, 1: _KILL, 2: _MEMORY_LIMIT, 3: _NO_REPLICAS, 5: _KILL, 6: _MEMORY_LIMIT}


class ProcessKiller:
    """Kills bots and workers in turn, and restarts each at once, as a process runner would.

    `faults` names the kills and the faults of Redis so far.
    """

    def __init__(self, testbed: Testbed, bots: "list[BackgroundProcess]", port: int, webhook: dict[str, str]) -> None:
        self._testbed = testbed
        self._bots = bots
        self._simulator_port = port
        self._webhook = webhook
        self.faults: list[str] = []

    def run_round(self, number: int) -> None:
        """Let Redis fail if it is its turn, and kill one process. All processes run when this returns."""
        time.sleep(_PAUSE_S)
        kinds = ("bot", "bot", "worker", "worker")
        with self._redis_fault(_REDIS_FAULTS.get(number)):
            self._kill(kinds[number % len(kinds)], number % 2, number)

    def _kill(self, kind: str, index: int, number: int) -> None:
        if kind == "bot":
            self._bots[index].kill()
            name = f"bot-{index}-{number}"
            self._bots[index] = start_benchmark_bot(self._testbed.home, name, self._simulator_port, **self._webhook)
        else:
            self._testbed.restart_worker(index)
        self.faults.append(kind)

    @contextmanager
    def _redis_fault(self, fault: str | None) -> Iterator[None]:
        """Let Redis fail before the body, or at its memory limit during the body."""
        broker = self._testbed.broker
        if fault is not None:
            self.faults.append(fault)
        if fault in _SPELLS:
            with _SPELLS[fault](broker.url):
                time.sleep(_SPELL_S)
        if fault == _KILL:
            broker.kill()
            broker.start()
        with at_memory_limit(broker.url) if fault == _MEMORY_LIMIT else nullcontext():
            yield


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--each", type=int, default=10)
    args = parser.parse_args()
    with Testbed(workers=2, persistent=True) as testbed, ExitStack() as stack:
        images = [path.read_bytes() for path in render_many(testbed.home / "pictures", 16)]
        port, bot_port = free_port(), free_port()
        stack.enter_context(start_simulator(testbed.home / "simulator.log", port, "--no-limits"))
        webhook = {"MELANOMA_WEBHOOK_URL": f"http://127.0.0.1:{bot_port}", "MELANOMA_BOT_PORT": str(bot_port)}
        bots = [start_benchmark_bot(testbed.home, f"bot-{number}", port, **webhook) for number in range(2)]
        stack.callback(_stop_all, bots)
        killer = ProcessKiller(testbed, bots, port, webhook)
        figures = asyncio.run(_run(simulator_url(port), images, args.users, args.each, killer))
        print_figures(figures | {"tracebacks": _find_tracebacks(testbed.home)})


async def _run(
    address: str, images: list[bytes], user_count: int, rounds: int, killer: ProcessKiller
) -> dict[str, Any]:
    async with SimulatorClient(address) as simulator:
        users = await create_users(simulator, user_count)
        uploads = [await simulator.upload(image) for image in images]
        before = (await simulator.get_calls())[-1]["seq"]
        await simulator.set_faults(0.05, kinds=["429", "500", "cut_before", "cut_after"], seed=1)
        for number in range(rounds):
            shift = number % len(uploads)
            await simulator.start_load(users, uploads[shift:] + uploads[:shift], 1, spread_s=_SPREAD_S)
            await asyncio.to_thread(killer.run_round, number)
        await wait_until_answered(simulator, user_count * rounds, _TIMEOUT_S / 2)
        await simulator.clear_faults()
        await wait_until_answered(simulator, user_count * rounds, _TIMEOUT_S / 2)
        outcomes = await collect_outcomes(users)
        calls = await simulator.get_calls(before)
    waits = [outcome.answer_s for outcome in outcomes if outcome.answer_s is not None]
    return {
        "photographs": len(outcomes),
        "lost": sum(outcome.answer_s is None for outcome in outcomes),
        "apologies": sum(outcome.is_apology for outcome in outcomes),
        "doubled": sum(outcome.duplicates for outcome in outcomes),
        "replies_lost": sum(call["took_effect"] and not call["ok"] for call in calls),
        "faults": sum(call["fault"] is not None for call in calls),
        "kills": {
            fault: killer.faults.count(fault) for fault in ("bot", "worker", *dict.fromkeys(_REDIS_FAULTS.values()))
        },
        "answer_p50_s": quantile(waits, 0.5),
        "answer_p99_s": quantile(waits, 0.99),
    }


def _stop_all(bots: list[BackgroundProcess]) -> None:
    for bot in bots:
        bot.stop()


def _find_tracebacks(home: Path) -> list[str]:
    """Each log of a bot or worker that has a traceback, with the last line of its last one."""
    found = []
    for path in sorted(home.glob("*.log")):
        _, begun, last = path.read_text(errors="replace").rpartition("Traceback (most recent call last)")
        if begun:
            # The frames are indented; the error is not.
            error = next((line for line in last.splitlines()[1:] if line.strip() and not line.startswith(" ")), "")
            found.append(f"{path.name}: {error}")
    return found


if __name__ == "__main__":
    main()
