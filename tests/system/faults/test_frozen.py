"""A process stands still for six leases, as under a debugger, a hypervisor or a swapping machine, and wakes up."""

from pathlib import Path

import pytest

from tests.system.faults.faulty_stack import ShakenHouse, frozen
from tests.system.faults.ride import ride_out

pytestmark = pytest.mark.system


def test_a_frozen_worker_wakes_up(shaken: ShakenHouse, few: Path) -> None:
    ride_out(shaken, few, frozen(shaken.worker))


def test_a_frozen_bot_and_folder_command_wake_up(shaken: ShakenHouse, few: Path) -> None:
    ride_out(shaken, few, frozen(shaken.bot), shaken.frozen_command())


def test_a_frozen_redis_wakes_up(shaken: ShakenHouse, few: Path) -> None:
    ride_out(shaken, few, frozen(shaken.broker))
