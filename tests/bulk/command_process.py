"""Runs the command in a process of its own, forked from one that has imported everything so that it starts fast."""

import multiprocessing
import os
import tempfile
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil

_CONTEXT = multiprocessing.get_context("forkserver")
# The fork server ignores modules that it cannot import; `test_modules_of_the_fork_server_exist` does not.
PRELOADED = ["bulk.cli", "bulk.options", "bulk.command", "bulk.report.html_report", "tests.bulk.command_process"]
_CONTEXT.set_forkserver_preload(PRELOADED)
_TIMEOUT_S = 40.0


class CommandProcess:
    """`melanoma-submit` with `arguments`, running in `cwd` on the Redis at `url`."""

    def __init__(self, url: str, arguments: list[str], cwd: Path) -> None:
        self._output = Path(tempfile.mkdtemp(prefix="output-", dir=cwd.parent))
        self._process: ForkServerProcess = _CONTEXT.Process(target=_main, args=(url, arguments, cwd, self._output))
        self._process.start()

    def poll(self) -> int | None:
        """The exit code; None while the command runs."""
        return self._process.exitcode

    def memory(self) -> int:
        """Resident bytes of the command and its child processes."""
        assert self._process.pid is not None
        try:
            process = psutil.Process(self._process.pid)
            return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
        except psutil.Error:
            return 0

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()
        self._process.join(10)

    def send_signal(self, number: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def stderr(self) -> str:
        """The output on stderr until now."""
        return self._read("stderr")

    def finish(self) -> tuple[int, str, str]:
        """Wait for the end, and return exit code, stdout and stderr."""
        self._process.join(_TIMEOUT_S)
        if self._process.exitcode is None:
            self.kill()
            raise TimeoutError(f"still running after {_TIMEOUT_S} s: {self.stderr()}")
        return self._process.exitcode, self._read("stdout"), self._read("stderr")

    def _read(self, name: str) -> str:
        path = self._output / name
        return path.read_text("utf-8") if path.exists() else ""


def start(url: str, *arguments: str | Path, cwd: Path) -> CommandProcess:
    return CommandProcess(url, [str(argument) for argument in arguments], cwd)


def run(url: str, *arguments: str | Path, cwd: Path) -> tuple[int, str, str]:
    return start(url, *arguments, cwd=cwd).finish()


def _main(url: str, arguments: list[str], cwd: Path, output: Path) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(output / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.chdir(cwd)
    os.environ.update(REDIS_URL=url, COLUMNS="120")
    from bulk.cli import main

    main(arguments)
