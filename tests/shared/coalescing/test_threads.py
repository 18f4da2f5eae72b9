"""Threads that call at the same time share one call, and each gets its own results."""

import threading
from collections.abc import Sequence

import pytest

from shared.coalescing.threads import Coalescer


def test_coalescer_serves_a_single_thread_at_once() -> None:
    doubling: Coalescer[int, int] = Coalescer(lambda items: [item * 2 for item in items])
    assert doubling.call([1, 2]) == [2, 4]


def test_calls_during_a_call_share_the_next_one() -> None:
    entered, resume = threading.Event(), threading.Event()
    calls: list[list[int]] = []

    def run(items: list[int]) -> Sequence[int]:
        calls.append(items)
        entered.set()
        resume.wait(5)
        return [item * 10 for item in items]

    coalescer = Coalescer(run)
    results: dict[int, list[int]] = {}

    def ask(number: int) -> None:
        results[number] = coalescer.call([number, number + 100])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    threads[0].start()
    assert entered.wait(5)
    for thread in threads[1:]:
        thread.start()
    while len(coalescer._pending) < 7:
        pass
    resume.set()
    for thread in threads:
        thread.join(5)
    assert results == {number: [number * 10, (number + 100) * 10] for number in range(8)}
    assert [len(call) for call in calls] == [2, 14]


def test_an_error_reaches_each_caller_and_the_next_call_works() -> None:
    def run(items: list[str]) -> Sequence[str]:
        if "bad" in items:
            raise ValueError("bad")
        return items

    coalescer = Coalescer(run)
    with pytest.raises(ValueError, match="bad"):
        coalescer.call(["bad"])
    assert coalescer.call(["good"]) == ["good"]
