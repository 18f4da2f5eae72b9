"""A process is frozen for six leases, as by a debugger, a hypervisor or swapping, and continues."""

from pathlib import Path

import pytest

from tests.system.faults.fault_scenario import assert_service_survives
from tests.system.faults.faulty_stack import FaultyStack, frozen

pytestmark = pytest.mark.system


def test_service_survives_a_frozen_worker(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, frozen(faulty_stack.worker))


def test_service_survives_a_frozen_bot_and_folder_command(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, frozen(faulty_stack.bot), faulty_stack.command_frozen())


def test_service_survives_a_frozen_redis(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, frozen(faulty_stack.broker))
