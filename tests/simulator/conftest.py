"""A running simulator, and for each test a bot that uses aiogram."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.harness import SimulatorTestbed

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Address of a simulator that runs as its command does."""
    command = [sys.executable, "-W", "error", "-m", "simulator", "--port", "0"]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("chat page: http://127.0.0.1:"), line
        yield line.removeprefix("chat page: ").strip().rstrip("/")
        process.terminate()
        assert process.wait(10) == 0


@pytest.fixture
def testbed(address: str) -> SimulatorTestbed:
    """The running simulator with a new bot."""
    return SimulatorTestbed(address)
