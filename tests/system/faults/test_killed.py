"""SIGKILL, where no other test does it: a bot, and Redis under everyone."""

from pathlib import Path

import pytest

from tests.system.faults.faulty_stack import ShakenHouse
from tests.system.faults.ride import ride_out

pytestmark = pytest.mark.system


def test_a_killed_bot_is_started_again(shaken: ShakenHouse, few: Path) -> None:
    ride_out(shaken, few, shaken.bot_killed(), held_s=1)


def test_a_killed_redis_is_started_again(shaken: ShakenHouse, few: Path) -> None:
    ride_out(shaken, few, shaken.redis_killed(), held_s=5)
