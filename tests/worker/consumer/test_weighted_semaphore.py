"""Bulk messages enter in order, and never more pictures than there is room for."""

import threading
import time

from worker.consumer.weighted_semaphore import WeightedSemaphore


def test_first_come_first_served_within_the_room() -> None:
    gate = WeightedSemaphore(10)
    assert gate.acquire(8)
    order: list[str] = []

    def enter(name: str, images: int) -> None:
        gate.acquire(images)
        order.append(name)

    big = threading.Thread(target=enter, args=("big", 6))
    big.start()
    time.sleep(0.05)
    small = threading.Thread(target=enter, args=("small", 2))
    small.start()
    time.sleep(0.05)
    assert order == [], "the small one would fit, but it came later"
    gate.release(8)
    big.join(5)
    small.join(5)
    assert sorted(order) == ["big", "small"]


def test_a_message_larger_than_the_room_enters_alone() -> None:
    gate = WeightedSemaphore(4)
    assert gate.acquire(100)
    waiting = threading.Thread(target=gate.acquire, args=(1,), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    gate.release(100)
    waiting.join(5)
    assert not waiting.is_alive()


def test_a_closed_gate_sends_those_in_line_away() -> None:
    gate = WeightedSemaphore(1)
    gate.acquire(1)
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(gate.acquire(1)))
    waiting.start()
    gate.close()
    waiting.join(5)
    assert answers == [False]
    assert gate.acquire(1) is False
