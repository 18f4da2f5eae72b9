"""Runs the worker in a child process, and says why it ended if it was killed.

A worker that the kernel kills for its memory cannot say so, and in a container nobody else does. This process imports
little, so the kernel kills the worker before it.
"""

import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from shared.config.container_memory import count_oom_kills, memory_limit

#: Signals that stop a worker, which the child gets, too.
_FORWARDED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)

#: Shells and Docker add the number of the signal that ended a process.
_SIGNALLED: Final = 128


def run_and_report_kill(command: Sequence[str]) -> int:
    """Run `command` until it ends, and write a sentence to stderr if it was killed.

    Returns:
        Its exit code; 128 and the number of the signal if a signal ended it.
    """
    kills_before = count_oom_kills()
    child: subprocess.Popen[bytes] | None = None
    pending: list[int] = []

    def forward(number: int, _: object) -> None:
        if child is None:
            pending.append(number)
        elif child.poll() is None:
            child.send_signal(number)

    for forwarded in _FORWARDED:
        signal.signal(forwarded, forward)
    child = subprocess.Popen(command)  # noqa: S603 - our own command
    for number in pending:
        child.send_signal(number)
    code = child.wait()
    if code >= 0:
        return code
    print(f"melanoma-worker: {describe_end(-code, count_oom_kills() - kills_before, memory_limit())}", file=sys.stderr)
    return _SIGNALLED - code


def describe_end(number: int, oom_kills: int, limit: float) -> str:
    """Describe in a sentence or two why a signal ended a worker.

    Args:
        number: The signal.
        oom_kills: Processes that the kernel has killed for lack of memory since the worker's start.
        limit: Bytes of memory that the container may use.
    """
    ended = f"{signal.Signals(number).name} ended the worker (exit code {_SIGNALLED + number})"
    if number == signal.SIGKILL and oom_kills:
        held = f"the memory limit of {int(limit) >> 20} MiB" if limit < float("inf") else "the machine's memory"
        return (
            f"{ended}: the kernel killed it because {held} is used up (memory.events: oom_kill {oom_kills}). Its jobs"
            " go to other workers, or to this one after its start. Raise the limit, or lower MELANOMA_DECODE_SLOTS or"
            " MELANOMA_DECODE_MAX_MEMORY."
        )
    return f"{ended}. Its jobs go to other workers, or to this one after its start."
