"""A running simulator, and for each test a bot that uses aiogram."""

from collections.abc import Iterator

import pytest

from tests.simulator.harness import SimulatorTestbed, running_simulator


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Address of a simulator that runs as its command does."""
    with running_simulator() as address:
        yield address


@pytest.fixture
def testbed(address: str) -> SimulatorTestbed:
    """The running simulator with a new bot."""
    return SimulatorTestbed(address)
