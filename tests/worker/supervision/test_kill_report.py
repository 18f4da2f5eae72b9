"""`melanoma-worker --report-kills`: a real child process that ends in each way."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from worker.supervision.kill_report import describe_end

REPORT = (
    "import sys; from worker.supervision.kill_report import run_and_report_kill as run;"
    " sys.exit(run([sys.executable, '-c', {!r}]))"
)


def start(child: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", REPORT.format(child)], stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("code", [0, 2])
def test_exit_code_of_the_worker_is_passed_on_without_a_word(code: int) -> None:
    process = start(f"raise SystemExit({code})")
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (code, "")


def test_killed_worker_is_named_with_its_exit_code() -> None:
    process = start("import os; os.kill(os.getpid(), 9)")
    _, error = process.communicate(timeout=30)
    assert process.returncode == 137
    assert error.startswith("melanoma-worker: SIGKILL ended the worker (exit code 137). Its jobs go to other workers")


def test_signals_that_stop_the_supervisor_stop_the_worker(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    process = start(
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7));"
        f" pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    )
    while not ready.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (7, "")


def test_kill_for_memory_names_the_limit_and_what_to_do() -> None:
    described = describe_end(signal.SIGKILL, oom_kills=1, limit=2**30)
    assert (
        "SIGKILL ended the worker (exit code 137): the kernel killed it because the memory limit of 1024 MiB"
        in described
    )
    assert "memory.events: oom_kill 1" in described
    assert "Raise the limit" in described
    assert "the machine's memory is used up" in describe_end(signal.SIGKILL, oom_kills=1, limit=float("inf"))
    assert "kernel" not in describe_end(signal.SIGSEGV, oom_kills=1, limit=2**30)


def test_supervisor_imports_neither_celery_nor_numpy() -> None:
    code = "import sys; import worker.cli; sys.exit(bool({'celery', 'numpy', 'pydantic'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
