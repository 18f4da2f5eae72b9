"""`make faults`: 1,000 photographs while everything dies.

Two replicas of the bot in webhook mode and two workers, each killed with SIGKILL again and again; Redis killed and
restarted twice; 5 % of the calls of the Bot API fail, before or after taking effect. Prints JSON: `lost` photographs
without an answer, `apologies`, `doubled` answers, and by how many calls that took effect the reply was lost.
"""

import argparse
import asyncio
import itertools
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.harness.simulated_users import bot, collect_outcomes, gather, quantile, report, until_answered
from benchmarks.harness.testbed import Testbed
from local.bot_processes import simulator_url, start_simulator
from local.embedded_valkey import free_port
from local.subprocesses import BackgroundProcess
from samples.many import render_many
from shared.redis_client.client import create_client
from simulator.client.client import SimulatorClient

_LIMIT_S: Final = 420.0
_KILL_EVERY_S: Final = 3.0
_SPREAD_S: Final = 40.0

#: After so many kills of the others Redis is killed.
_REDIS_AFTER: Final = (1, 3)


class Killer:
    """Kills one process after the other and starts it again, as a process runner would, until `stop`."""

    def __init__(self, stand: Testbed, bots: "list[BackgroundProcess]", port: int, webhook: dict[str, str]) -> None:
        self._stand = stand
        self._bots = bots
        self._telegram = port
        self._webhook = webhook
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills: list[str] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Kill no more; what was killed last runs again when this returns."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for number, (kind, place) in enumerate(itertools.cycle(itertools.product(("bot", "worker"), (0, 1)))):
            if self._stop.wait(_KILL_EVERY_S):
                return
            if number in _REDIS_AFTER:
                self._stand.broker.kill()
                self._stand.broker.start()
                self.kills.append("redis")
            if kind == "bot":
                self._bots[place].kill()
                name = f"bot-{place}-{number}"
                self._bots[place] = bot(self._stand.home, name, self._telegram, **self._webhook)
            else:
                self._stand.restart_worker(place)
            self.kills.append(kind)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--each", type=int, default=10)
    asked = parser.parse_args()
    with Testbed(workers=2, persistent=True) as stand, ExitStack() as stack:
        images = [path.read_bytes() for path in render_many(stand.home / "pictures", 16)]
        port, own = free_port(), free_port()
        stack.enter_context(start_simulator(stand.home / "telegram.log", port, "--no-limits"))
        webhook = {"MELANOMA_WEBHOOK_URL": f"http://127.0.0.1:{own}", "MELANOMA_BOT_PORT": str(own)}
        bots = [bot(stand.home, f"bot-{number}", port, **webhook) for number in range(2)]
        stack.callback(_stop, bots)
        killer = Killer(stand, bots, port, webhook)
        try:
            report(asyncio.run(_run(stand, simulator_url(port), images, asked.people, asked.each, killer)))
        finally:
            killer.stop()
        tracebacks = [path.name for path in stand.home.glob("bot-*.log") if "Traceback" in _said(path)]
        print("bots that showed a traceback:", tracebacks or "none")


async def _run(
    stand: Testbed, address: str, images: list[bytes], people: int, each: int, killer: Killer
) -> dict[str, Any]:
    async with SimulatorClient(address) as simulator:
        crowd = await gather(simulator, people)
        uploads = [await simulator.upload(image) for image in images]
        before = (await simulator.get_calls())[-1]["seq"]
        await simulator.set_faults(0.05, kinds=["429", "500", "cut_before", "cut_after"], seed=1)
        killer.start()
        await simulator.start_load(crowd, uploads, each, spread_s=_SPREAD_S)
        await until_answered(create_client(stand.broker.url), people * each, _LIMIT_S / 2)
        await asyncio.to_thread(killer.stop)
        await simulator.set_faults(0)
        await until_answered(create_client(stand.broker.url), people * each, _LIMIT_S / 2)
        found = await collect_outcomes(crowd)
        calls = await simulator.get_calls(before)
    waits = [fate.answer_s for fate in found if fate.answer_s is not None]
    return {
        "photographs": len(found),
        "lost": sum(fate.answer_s is None for fate in found),
        "apologies": sum(fate.apology for fate in found),
        "doubled": sum(fate.doubled for fate in found),
        "replies_lost": sum(call["took_effect"] and not call["ok"] for call in calls),
        "faults": sum(call["fault"] is not None for call in calls),
        "kills": {kind: killer.kills.count(kind) for kind in ("bot", "worker", "redis")},
        "answer_p50_s": quantile(waits, 0.5),
        "answer_p99_s": quantile(waits, 0.99),
    }


def _stop(bots: list[BackgroundProcess]) -> None:
    for one in bots:
        one.stop()


def _said(path: Path) -> str:
    return path.read_text(errors="replace")


if __name__ == "__main__":
    main()
