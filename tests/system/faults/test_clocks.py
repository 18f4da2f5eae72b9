"""Redis' wall clock, by which everyone goes, jumps while photographs are under way, as when somebody or NTP sets it."""

from pathlib import Path

import pytest

from tests.system.faults.clock import need_libfaketime
from tests.system.faults.ride import ride_out
from tests.system.faults.shaken import ShakenHouse

pytestmark = pytest.mark.system


def test_the_clock_of_redis_jumps(shaken: ShakenHouse, few: Path) -> None:
    need_libfaketime()
    # Ahead by less than a deadline, or people would rightly be told that it could not be done in time.
    ride_out(shaken, few, shaken.clock.jumps(600), held_s=3)
