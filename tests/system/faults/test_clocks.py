"""Wall clocks jump while photographs are processed, as when NTP or an operator sets them."""

from pathlib import Path

import pytest

from tests.system.faults.fault_scenario import assert_service_survives
from tests.system.faults.faulty_stack import FaultyStack
from tests.system.faults.injection.clock import require_settable_clocks

pytestmark = pytest.mark.system

_FAULT_S = 3


def test_service_survives_a_jump_of_the_redis_clock(faulty_stack: FaultyStack, small_folder: Path) -> None:
    require_settable_clocks()
    # Less than a deadline: a longer jump would rightly end jobs, and the bot would say that time ran out.
    assert_service_survives(faulty_stack, small_folder, faulty_stack.clocks["redis"].jump(600), fault_s=_FAULT_S)


def test_service_survives_jumps_of_the_process_clocks(faulty_stack: FaultyStack, small_folder: Path) -> None:
    require_settable_clocks()
    jumps = {"worker": 7200, "bot": -7200, "command": 86400}
    assert_service_survives(
        faulty_stack,
        small_folder,
        *(faulty_stack.clocks[name].jump(ahead_s) for name, ahead_s in jumps.items()),
        fault_s=_FAULT_S,
    )
