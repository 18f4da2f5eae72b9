"""Runs pytest in forks of a process that has imported the libraries, which saves most of the time to start.

The process reads one request a line from standard input, and writes one response a line to standard output, both JSON.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import psutil
import pytest

from checks.mutants.working_copy import environment_of

#: Libraries that start threads at import. A fork would lack these threads.
_NOT_PRELOADED: Final = ("tensorflow", "keras", "jax", "jaxlib")

#: pytest warns that it cannot rewrite the assertions of its plugins, which are imported already.
_OPTIONS: Final = ("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")

#: A process that pytest-timeout cannot interrupt is killed after the tests' own time-out and this many times the time
#: that all tests took without a change, which includes the time to start on this machine, as busy as it is.
_SLOWDOWN: Final = 2.0
_LONGEST_CONTROL_S: Final = 1800.0


class ForkedTests:
    """The client of such a process, and a context manager that runs it.

    Args:
        root: The copy of the repository whose tests it runs.
        modules: Modules to import once, none of ours.
    """

    def __init__(self, root: Path, modules: Sequence[str]) -> None:
        self._root = root
        self._modules = modules
        self._process: subprocess.Popen[str] | None = None
        self._start_s = _LONGEST_CONTROL_S

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "checks.mutants.forked_tests"],
            cwd=self._root,
            env=environment_of(self._root),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask({"preload": list(self._modules)})
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()

    def passes_unchanged(self, tests: Sequence[str]) -> bool:
        """True if all tests pass on the unchanged code. Call it first: it measures how slow this machine is."""
        started_at = time.monotonic()
        passes = self.passes(tests, _LONGEST_CONTROL_S)
        self._start_s = _SLOWDOWN * (time.monotonic() - started_at)
        return passes

    def passes(self, tests: Sequence[str], timeout_s: float) -> bool:
        """True if each test passes within the time."""
        request = {"tests": list(tests), "timeout_s": timeout_s, "kill_after_s": timeout_s + self._start_s}
        return bool(self._ask(request)["passes"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("not entered")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        response: dict[str, Any] = json.loads(self._process.stdout.readline())
        return response


def main() -> None:
    """Answer requests until standard input ends."""
    # pytest and the tests must not write between the responses.
    responses = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    for line in sys.stdin:
        request = json.loads(line)
        if "preload" in request:
            _preload(request["preload"])
            response = {"ready": True}
        else:
            response = {"passes": _run(**request)}
        responses.write(json.dumps(response) + "\n")
        responses.flush()


def _preload(modules: Sequence[str]) -> None:
    for name in modules:
        if not name.startswith(_NOT_PRELOADED):
            try:
                importlib.import_module(name)
            except Exception:  # noqa: BLE001, S112 - a module that cannot be imported alone is imported by the tests
                continue


def _run(tests: Sequence[str], timeout_s: float, kill_after_s: float) -> bool:
    child = os.fork()
    if child == 0:
        # A module of ours that was compiled while mutated must not be left to the next mutant.
        sys.dont_write_bytecode = True
        code = 3
        try:
            code = int(pytest.main([*_OPTIONS, f"--timeout={timeout_s}", *tests]))
        finally:
            os._exit(code)
    process = psutil.Process(child)
    deadline = time.monotonic() + kill_after_s
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.005)
    for descendant in [*process.children(recursive=True), process]:
        descendant.send_signal(signal.SIGKILL)
    os.waitpid(child, 0)
    return False


if __name__ == "__main__":
    main()
