"""Bulk messages enter in order, and never more images than the capacity."""

import threading

from tests.worker.polling import eventually
from worker.batching.weighted_semaphore import WeightedSemaphore


def wait_for_waiters(semaphore: WeightedSemaphore, count: int) -> None:
    eventually(lambda: len(semaphore._waiters) == count)


def test_waiters_are_served_first_come_first_served() -> None:
    semaphore = WeightedSemaphore(10)
    assert semaphore.acquire(10)
    order: list[int] = []

    def enter(number: int) -> None:
        semaphore.acquire(10)
        order.append(number)
        semaphore.release(10)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(8)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_for_waiters(semaphore, number + 1)
    semaphore.release(10)
    for thread in threads:
        thread.join(20)
    assert order == list(range(8))


def test_waiter_that_would_fit_does_not_overtake_a_heavier_one() -> None:
    semaphore = WeightedSemaphore(10)
    assert semaphore.acquire(8)
    results: list[bool] = []

    def acquire(weight: int) -> None:
        results.append(semaphore.acquire(weight))

    for waiting, weight in enumerate((6, 2), 1):
        threading.Thread(target=acquire, args=(weight,)).start()
        wait_for_waiters(semaphore, waiting)
    assert results == []
    semaphore.release(8)
    eventually(lambda: results == [True, True])


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
