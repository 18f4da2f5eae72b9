"""A bot or Redis is killed with SIGKILL. `test_faults.py` kills workers and the folder command."""

from pathlib import Path

import pytest

from tests.system.faults.fault_scenario import assert_service_survives
from tests.system.faults.faulty_stack import FaultyStack

pytestmark = pytest.mark.system


def test_service_survives_a_killed_bot(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, faulty_stack.bot_killed(), fault_s=1)


def test_service_survives_a_killed_redis(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, faulty_stack.redis_killed(), fault_s=5)
