"""`make bot-profile`: where the bot's CPU time for a photograph goes, under the load of `make load`, without limits.

Prints a table of milliseconds of CPU for a photograph by part of the bot. The last line is a JSON object with the same
figures. Sampling itself takes about a tenth of the bot's CPU time, spread over all parts.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from rich.console import Console
from rich.table import Table

from benchmarks.chat.load import LoadPhase, run_chat
from benchmarks.harness.cpu_time import CpuTimer
from benchmarks.harness.testbed import Testbed
from samples.image_set import render_many

_WRITE_TIMEOUT_S: Final = 30.0


class _ProfileTimer(CpuTimer):
    """Lets the bot sample inside the context. `part_s` then holds the CPU seconds of each part of the bot."""

    def __init__(self, processes: Mapping[str, int], path: Path) -> None:
        super().__init__(processes)
        self._bot_pid, self._path = processes["bot"], path
        self.part_s: dict[str, float] = {}

    def __enter__(self) -> Self:
        os.kill(self._bot_pid, signal.SIGUSR1)
        return super().__enter__()

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        os.kill(self._bot_pid, signal.SIGUSR2)
        deadline = time.monotonic() + _WRITE_TIMEOUT_S
        while not self._path.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.part_s = json.loads(self._path.read_text(encoding="utf-8"))


def main() -> None:
    """Run the load and print the parts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat.bot_profile", description=__doc__)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--each", type=int, default=4)
    options = parser.parse_args()
    timers: list[_ProfileTimer] = []
    with Testbed() as testbed:
        path = testbed.home / "profile.json"

        def create_timer(processes: Mapping[str, int]) -> CpuTimer:
            timers.append(_ProfileTimer(processes, path))
            return timers[-1]

        images = [image.read_bytes() for image in render_many(testbed.home / "pictures", 16)]
        command = [sys.executable, "-m", "benchmarks.chat.sampled_bot", str(path)]
        phase = run_chat(
            testbed,
            images,
            options.users,
            options.each,
            limits=False,
            bot_command=command,
            create_timer=create_timer,
        )
    _print(phase, {part: seconds * 1000 / options.users / options.each for part, seconds in timers[0].part_s.items()})


def _print(phase: LoadPhase, part_ms: Mapping[str, float]) -> None:
    total, ordered = sum(part_ms.values()), sorted(part_ms.items(), key=lambda item: -item[1])
    table = Table("part of the bot", "ms a photograph", "share")
    for part, ms in ordered:
        table.add_row(part, f"{ms:.2f}", f"{ms / total:.0%}")
    table.add_row("all", f"{total:.2f}", "")
    Console().print(table)
    rounded = {part: round(ms, 3) for part, ms in ordered}
    print(json.dumps({"bot_cpu_ms": round(phase.cpu_ms["bot"], 2), **rounded, "load": round(os.getloadavg()[0], 1)}))


if __name__ == "__main__":
    main()
