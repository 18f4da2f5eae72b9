"""The network between a process and Redis is cut without a word, and old connections never come back."""

from pathlib import Path

import pytest

from tests.system.faults.faulty_stack import ShakenHouse
from tests.system.faults.ride import ride_out

pytestmark = pytest.mark.system


def test_a_worker_is_cut_off(shaken: ShakenHouse, few: Path) -> None:
    ride_out(shaken, few, shaken.links["worker"].cut())


def test_redis_is_cut_off_from_everyone(shaken: ShakenHouse, few: Path) -> None:
    ride_out(shaken, few, *(link.cut() for link in shaken.links.values()))
