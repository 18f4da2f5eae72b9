"""Wall clocks jump while photographs are under way, as when somebody or NTP sets them."""

from pathlib import Path

import pytest

from tests.system.faults.clock import need_clocks
from tests.system.faults.faulty_stack import ShakenHouse
from tests.system.faults.ride import ride_out

pytestmark = pytest.mark.system

_HELD_S = 3


def test_the_clock_of_redis_by_which_everyone_goes_jumps(shaken: ShakenHouse, few: Path) -> None:
    need_clocks()
    # Ahead by less than a deadline, or people would rightly be told that it could not be done in time.
    ride_out(shaken, few, shaken.clocks["redis"].jumps(600), held_s=_HELD_S)


def test_the_clocks_of_worker_bot_and_command_jump(shaken: ShakenHouse, few: Path) -> None:
    need_clocks()
    jumps = {"worker": 7200, "bot": -7200, "command": 86400}
    ride_out(shaken, few, *(shaken.clocks[name].jumps(ahead_s) for name, ahead_s in jumps.items()), held_s=_HELD_S)
