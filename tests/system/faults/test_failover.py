"""Redis changes its mind: it becomes a replica for some seconds, or misses the replicas that it must have."""

from pathlib import Path

import pytest

from tests.system.faults.fault_scenario import assert_service_survives
from tests.system.faults.faulty_stack import FaultyStack

pytestmark = pytest.mark.system

_FAULT_S = 3


def test_service_survives_a_planned_failover(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, faulty_stack.redis_demoted(), fault_s=_FAULT_S)


def test_service_survives_a_spell_without_enough_replicas(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, faulty_stack.redis_without_replicas(), fault_s=_FAULT_S)
