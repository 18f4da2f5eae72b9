"""Trends that `make soak` fits to the resources of processes."""

import os
from typing import Any

import psutil
import pytest
from redis import Redis

from benchmarks.harness.process_stats import ProcessMonitor, TimeSeries
from tests.system.support.polling import eventually


def test_trend_ignores_the_warmup() -> None:
    warming = [1.0, 50.0, 90.0]
    minutes = [100.0 + 0.5 * minute for minute in range(3, 30)]
    readings = TimeSeries([60.0 * minute for minute in range(30)], [*warming, *minutes])
    trend = readings.trend(warmup_s=180)
    assert trend.per_hour == pytest.approx(30)
    assert trend.growth_per_h == pytest.approx(30 / 108)
    assert (trend.first, trend.last) == (101.5, 114.5)


def test_constant_series_has_no_growth() -> None:
    assert TimeSeries([0, 1, 2], [7, 7, 7]).trend(0).growth_per_h == pytest.approx(0)
    with pytest.raises(ValueError, match="1 samples"):
        TimeSeries([0, 1], [7, 7]).trend(1)


def test_monitor_samples_processes_and_broker(redis_url: str) -> None:
    redis: Any = Redis.from_url(redis_url)
    with redis, ProcessMonitor({"this": psutil.Process(os.getpid())}, redis) as monitor:
        eventually(lambda: ("broker", "data") in monitor.series)
    assert monitor.series["this", "threads"].values[0] >= 2
    assert monitor.series["this", "memory"].values[0] > 10**7
    assert monitor.series["broker", "data"].values[0] > 0
