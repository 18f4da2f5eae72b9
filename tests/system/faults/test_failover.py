"""Redis changes its mind: it becomes a replica for some seconds, or misses the replicas that it must have."""

from pathlib import Path

import pytest

from benchmarks.harness.redis_faults import demoted, without_replicas
from tests.system.faults.fault_scenario import assert_service_survives
from tests.system.faults.faulty_stack import FaultyStack

pytestmark = pytest.mark.system

_FAULT_S = 3


def test_service_survives_a_planned_failover(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, demoted(faulty_stack.broker.url), fault_s=_FAULT_S)


def test_service_survives_a_spell_without_enough_replicas(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, without_replicas(faulty_stack.broker.url), fault_s=_FAULT_S)
