"""Bulk messages enter in order, and never more images than the capacity."""

import threading
import time

from worker.batching.weighted_semaphore import WeightedSemaphore


def test_waiters_are_served_first_come_first_served() -> None:
    semaphore = WeightedSemaphore(10)
    assert semaphore.acquire(8)
    order: list[str] = []

    def enter(name: str, images: int) -> None:
        semaphore.acquire(images)
        order.append(name)

    big = threading.Thread(target=enter, args=("big", 6))
    big.start()
    time.sleep(0.05)
    small = threading.Thread(target=enter, args=("small", 2))
    small.start()
    time.sleep(0.05)
    assert order == [], "the small one would fit, but it came later"
    semaphore.release(8)
    big.join(5)
    small.join(5)
    assert sorted(order) == ["big", "small"]


def test_weight_above_the_capacity_is_acquired_alone() -> None:
    semaphore = WeightedSemaphore(4)
    assert semaphore.acquire(100)
    waiting = threading.Thread(target=semaphore.acquire, args=(1,), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    semaphore.release(100)
    waiting.join(5)
    assert not waiting.is_alive()


def test_close_makes_waiters_fail() -> None:
    semaphore = WeightedSemaphore(1)
    semaphore.acquire(1)
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.append(semaphore.acquire(1)))
    waiting.start()
    semaphore.close()
    waiting.join(5)
    assert results == [False]
    assert semaphore.acquire(1) is False
