"""A periodic thread outlives the errors of its work and the end of waiting for Redis."""

import threading
from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from shared.redis_client.retry import ShutdownRequested
from shared.service.periodic_thread import PeriodicThread


@pytest.mark.parametrize("error", [ShutdownRequested(), RuntimeError("a defect"), OSError("a full disk")])
def test_thread_goes_on_after_an_error(error: Exception) -> None:
    errors: Iterator[Exception | None] = chain([error, error], repeat(None))
    succeeded = threading.Event()

    def work() -> None:
        if (error := next(errors)) is not None:
            raise error
        succeeded.set()

    thread = PeriodicThread("test", work, interval_s=0.001)
    thread.start()
    assert succeeded.wait(10)
    thread.stop()
    thread.join(10)


def test_stopped_thread_works_no_more() -> None:
    calls: list[None] = []
    begun, resume = threading.Event(), threading.Event()

    def work() -> None:
        calls.append(None)
        begun.set()
        resume.wait(10)

    thread = PeriodicThread("test", work, interval_s=0.001)
    thread.start()
    assert begun.wait(10)
    thread.stop()
    resume.set()
    thread.join(10)
    assert len(calls) == 1
