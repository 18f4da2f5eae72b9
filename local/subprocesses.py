"""Processes that run beside a command and stop with it."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

_STOP_TIMEOUT_S: Final = 20.0


class BackgroundProcess:
    """One process with its output in `log`. Its own process group: Ctrl-C is ours to pass on.

    `environment` is added to our own.
    """

    def __init__(self, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as stream:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._process.kill()
        self._process.wait()

    def send_signal(self, signal_number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(signal_number)

    def wait(self, timeout_s: float) -> int:
        """Wait for the end, at most `limit_s`. Raises `subprocess.TimeoutExpired`."""
        return self._process.wait(timeout_s)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that takes too long."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
