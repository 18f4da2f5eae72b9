"""Starts workers as processes of this machine, for the demo, the tests and the benchmarks."""

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local.subprocesses import BackgroundProcess
from shared.contract.names import READY_EVENT

_READY_TIMEOUT_S: Final = 120.0


class StartError(Exception):
    """Raised when a process does not start. The message contains the last line of its log."""


def command(name: str) -> list[str]:
    """Command line of one of the project's commands in this Python environment."""
    return [str(Path(sys.executable).parent / name)]


def start_worker(log: Path, environment: Mapping[str, str] | None = None) -> BackgroundProcess:
    """Start a worker with its output in `log`; `environment` is added to the environment of this process."""
    return BackgroundProcess(command("melanoma-worker"), log=log, environment=environment)


def wait_until_ready(worker: BackgroundProcess, processes: int = 1) -> None:
    """Wait until all `processes` of `worker` take messages. Raises `StartError`."""
    wait_for_log(READY_EVENT, worker, "worker", processes)


def wait_for_log(text: str, process: BackgroundProcess, name: str, count: int = 1) -> None:
    """Wait until the log of `process` contains `text` `count` times. Raises `StartError`."""
    deadline = time.monotonic() + _READY_TIMEOUT_S * count
    while (output := process.log.read_text(errors="replace")).count(text) < count:
        if process.returncode is not None or time.monotonic() > deadline:
            last_line = output.strip().splitlines()[-1:] or ["its log is empty"]
            raise StartError(f"the {name} did not start: {last_line[0]}")
        time.sleep(0.05)
