"""The lines that `make soak` draws through what processes use."""

import os
from typing import Any

import psutil
import pytest
from redis import Redis

from benchmarks.harness.process_stats import ProcessMonitor, Readings
from tests.system.polling import eventually


def test_a_line_is_drawn_through_what_was_read_after_the_beginning() -> None:
    warming = [1.0, 50.0, 90.0]
    minutes = [100.0 + 0.5 * minute for minute in range(3, 30)]
    readings = Readings([60.0 * minute for minute in range(30)], [*warming, *minutes])
    trend = readings.trend(settled_s=180)
    assert trend.per_hour == pytest.approx(30)
    assert trend.growth_per_h == pytest.approx(30 / 108)
    assert (trend.first, trend.last) == (101.5, 114.5)


def test_what_stays_the_same_does_not_grow() -> None:
    assert Readings([0, 1, 2], [7, 7, 7]).trend(0).growth_per_h == pytest.approx(0)
    with pytest.raises(ValueError, match="1 readings"):
        Readings([0, 1], [7, 7]).trend(1)


def test_a_process_and_its_broker_are_read(redis_url: str) -> None:
    redis: Any = Redis.from_url(redis_url)
    with redis, ProcessMonitor({"this": psutil.Process(os.getpid())}, redis) as vitals:
        eventually(lambda: ("broker", "data") in vitals.readings)
    assert vitals.readings["this", "threads"].values[0] >= 2
    assert vitals.readings["this", "memory"].values[0] > 10**7
    assert vitals.readings["broker", "data"].values[0] > 0
