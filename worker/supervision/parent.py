"""Lets a worker process end with its supervisor, even if that is killed."""

import ctypes
import os
import signal
import sys
from typing import Final

#: Variable that holds the supervisor's process id.
PARENT_VARIABLE: Final = "WORKER_SUPERVISOR"

_PR_SET_PDEATHSIG: Final = 1


def end_with_supervisor() -> None:
    """Let the kernel send SIGTERM to this process when its supervisor ends. Linux only; without one do nothing."""
    supervisor = os.environ.get(PARENT_VARIABLE)
    if supervisor is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(supervisor):
        sys.exit(0)  # it ended before the call above
