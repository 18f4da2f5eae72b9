"""The network between a process and Redis is cut silently, and old connections stay dead."""

from pathlib import Path

import pytest

from tests.system.faults.fault_scenario import assert_service_survives
from tests.system.faults.faulty_stack import FaultyStack

pytestmark = pytest.mark.system


def test_service_survives_a_worker_cut_off_from_redis(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, faulty_stack.proxies["worker"].cut())


def test_service_survives_redis_cut_off_from_all_processes(faulty_stack: FaultyStack, small_folder: Path) -> None:
    assert_service_survives(faulty_stack, small_folder, *(link.cut() for link in faulty_stack.proxies.values()))
