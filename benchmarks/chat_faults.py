"""`make faults`: sends 1,000 photographs while processes are killed and Redis refuses.

Two bots in webhook mode and two workers are killed with SIGKILL in turn. Redis is killed and restarted twice, fails
over, misses replicas, and is at its memory limit while a worker starts. 5 % of the Bot API calls fail, before or after
they take effect. Prints JSON: `lost` counts photographs without an answer, `apologies` answers that report a failure,
`doubled` answers beyond the first of a photograph, and `replies_lost` calls that took effect although the bot saw them
fail.
"""

import argparse
import asyncio
import itertools
import threading
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
from shared.redis_client.client import create_client
from simulator.client.client import SimulatorClient

_TIMEOUT_S: Final = 420.0
_KILL_INTERVAL_S: Final = 3.0
_SPREAD_S: Final = 40.0

#: A failover and a spell without replicas last this long.
_SPELL_S: Final = 3.0

#: Faults of Redis by the index of the process kill that they precede; the memory limit lasts until the process is back.
#: Indexes 2 and 3 are workers: at the limit a worker must be able to start.
_FAILOVER, _KILL, _MEMORY_LIMIT, _NO_REPLICAS = "redis failover", "redis", "redis at its memory limit", "redis replicas"
_SPELLS: Final = {_FAILOVER: demoted, _NO_REPLICAS: without_replicas}
_REDIS_FAULTS: Final = {0: _FAILOVER, 1: _KILL, 2: _MEMORY_LIMIT, 3: _NO_REPLICAS, 4: _KILL}


class ProcessKiller:
    """Kills bots and workers in turn until `stop`, and restarts each at once, as a process runner would.

    `faults` names the kills and the faults of Redis so far.
    """

    def __init__(self, testbed: Testbed, bots: "list[BackgroundProcess]", port: int, webhook: dict[str, str]) -> None:
        self._testbed = testbed
        self._bots = bots
        self._simulator_port = port
        self._webhook = webhook
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.faults: list[str] = []

    def start(self) -> None:
        """Start killing processes."""
        self._thread.start()

    def stop(self) -> None:
        """Stop killing processes. All processes run when this returns."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for number, (kind, index) in enumerate(itertools.cycle(itertools.product(("bot", "worker"), (0, 1)))):
            if self._stop.wait(_KILL_INTERVAL_S):
                return
            with self._redis_fault(_REDIS_FAULTS.get(number)):
                self._kill(kind, index, number)

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
                self._stop.wait(_SPELL_S)
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
        try:
            print_figures(asyncio.run(_run(testbed, simulator_url(port), images, args.users, args.each, killer)))
        finally:
            killer.stop()
        tracebacks = [path.name for path in testbed.home.glob("bot-*.log") if "Traceback" in _log_text(path)]
        print("logs with a traceback:", tracebacks or "none")


async def _run(
    testbed: Testbed, address: str, images: list[bytes], user_count: int, each: int, killer: ProcessKiller
) -> dict[str, Any]:
    async with SimulatorClient(address) as simulator:
        users = await create_users(simulator, user_count)
        uploads = [await simulator.upload(image) for image in images]
        before = (await simulator.get_calls())[-1]["seq"]
        await simulator.set_faults(0.05, kinds=["429", "500", "cut_before", "cut_after"], seed=1)
        killer.start()
        await simulator.start_load(users, uploads, each, spread_s=_SPREAD_S)
        await wait_until_answered(create_client(testbed.broker.url), user_count * each, _TIMEOUT_S / 2)
        await asyncio.to_thread(killer.stop)
        await simulator.set_faults(0)
        await wait_until_answered(create_client(testbed.broker.url), user_count * each, _TIMEOUT_S / 2)
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


def _log_text(path: Path) -> str:
    return path.read_text(errors="replace")


if __name__ == "__main__":
    main()
