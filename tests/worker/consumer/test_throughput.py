"""The estimate is the device's rate at first, and the measured rate once the worker was saturated."""

from contextlib import ExitStack

import pytest

from shared.contract.names import Queue
from worker.consumer.task_slots import TaskSlots
from worker.consumer.throughput import ThroughputEstimator


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_slow_decoding_shows_once_the_worker_is_saturated() -> None:
    clock, task_slots = Clock(), TaskSlots(16, max_backlog=lambda: 24)
    throughput = ThroughputEstimator(task_slots, lambda: 120.0, clock)
    assert throughput.images_per_second() == 120
    with ExitStack() as in_flight:
        for _ in range(2):
            in_flight.enter_context(task_slots.occupy(Queue.INTERACTIVE))(8)
        throughput.images_per_second()
        for _ in range(10):
            throughput.record(40)
            clock.now += 1
            estimate = throughput.images_per_second()
    assert estimate == pytest.approx(40, rel=0.05)


def test_idle_worker_is_not_taken_for_a_slow_one() -> None:
    clock, task_slots = Clock(), TaskSlots(16)
    throughput = ThroughputEstimator(task_slots, lambda: 120.0, clock)
    for _ in range(10):
        with task_slots.occupy(Queue.INTERACTIVE):
            throughput.record(1)
        clock.now += 1
        assert throughput.images_per_second() == 120


def test_moment_without_work_discards_the_reading() -> None:
    clock, task_slots = Clock(), TaskSlots(4)
    throughput = ThroughputEstimator(task_slots, lambda: 120.0, clock)
    for _ in range(5):
        with task_slots.occupy(Queue.BULK) as on_started:
            on_started(32)
            throughput.record(2)
        clock.now += 1
    assert throughput.images_per_second() == 120


def test_old_rates_expire_and_the_device_rate_is_the_maximum() -> None:
    clock, task_slots = Clock(), TaskSlots(2)
    device = [120.0]
    throughput = ThroughputEstimator(task_slots, lambda: device[0], clock)
    with task_slots.occupy(Queue.BULK) as on_started:
        on_started(32)
        throughput.images_per_second()
        throughput.record(50)
        clock.now += 1
        assert throughput.images_per_second() == 50
        device[0] = 30.0
        assert throughput.images_per_second() == 30
    clock.now += 301
    device[0] = 120.0
    throughput.images_per_second()
    assert throughput.images_per_second() == 120
