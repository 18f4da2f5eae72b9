"""One worker process of several: how it is started, whether it makes progress, and what it inherits."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.config.usable_cores import CORES_VARIABLE
from worker.supervision.parent import PARENT_VARIABLE

#: Where prometheus_client keeps the values of each process in files.
METRICS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"

#: Seconds until a process must have loaded the model and touched its file for the first time.
_MAX_START_S: Final = 180.0

#: Seconds without a touch after which a process hangs. It stops touching the file after `MAX_STALL_S`.
_MAX_SILENCE_S: Final = 15.0


class WorkerProcess:
    """A running `melanoma-worker` with its share of the cores.

    It has a session of its own, so that Ctrl-C in a terminal reaches the supervisor alone.

    Args:
        index: Number of the process.
        directory: Where its liveness file is.
        cores: Number of cores that it uses.
        environment: Further variables.
    """

    def __init__(self, index: int, *, directory: Path, cores: int, environment: Mapping[str, str]) -> None:
        self.index = index
        self._liveness_file = directory / f"liveness-{index}"
        self._liveness_file.unlink(missing_ok=True)
        self._started_at = self._progress_at = time.monotonic()
        self._touched_ns: int | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "--processes", "1"],
            env={
                **os.environ,
                **environment,
                CORES_VARIABLE: str(cores),
                PARENT_VARIABLE: str(os.getpid()),
                "MELANOMA_LIVENESS_FILE": str(self._liveness_file),
                "MELANOMA_METRICS_PORT": "0",
            },
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def age_s(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._started_at

    def check_progress(self) -> None:
        """Reset the stall timer if the process has made progress since the last check."""
        try:
            touched_ns = self._liveness_file.stat().st_mtime_ns
        except OSError:
            return
        if touched_ns != self._touched_ns:
            self._touched_ns = touched_ns
            self.reset_stall_timer()

    def reset_stall_timer(self) -> None:
        """Count the time without progress from now on."""
        self._progress_at = time.monotonic()

    @property
    def is_ready(self) -> bool:
        """True once it has loaded the model, while it makes progress."""
        return self._touched_ns is not None and not self.is_hanging

    @property
    def is_hanging(self) -> bool:
        """True if it has made no progress for too long."""
        max_silence_s = _MAX_START_S if self._touched_ns is None else _MAX_SILENCE_S
        return time.monotonic() - self._progress_at > max_silence_s

    def terminate(self) -> None:
        """Ask it to finish its batch, release its other jobs and exit."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def wait(self) -> int:
        """Wait for the exit and return the exit code."""
        return self._process.wait()
