"""Coalesces the calls of threads: those that wait at the same time share one call, and no call is delayed."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True)
class _Request(Generic[Item, Result]):
    items: Sequence[Item]
    results: list[Result] = field(default_factory=list)
    error: Exception | None = None
    done: bool = False


class Coalescer(Generic[Item, Result]):
    """Calls `run` with the items of all waiting threads, one call at a time.

    `run` returns one result for each item, in order. Items that arrive during a call are gathered for the next one.
    """

    def __init__(self, run: Callable[[list[Item]], Sequence[Result]]) -> None:
        self._run = run
        self._pending: list[_Request[Item, Result]] = []
        self._lock = threading.Lock()
        self._run_lock = threading.Lock()

    def call(self, items: Sequence[Item]) -> list[Result]:
        """Return the results of `items`. What `run` raises is raised in every thread that shared the call."""
        request: _Request[Item, Result] = _Request(items)
        with self._lock:
            self._pending.append(request)
        with self._run_lock:
            if not request.done:
                with self._lock:
                    batch, self._pending = self._pending, []
                self._run_batch(batch)
        if request.error is not None:
            raise request.error
        return request.results

    def _run_batch(self, requests: list[_Request[Item, Result]]) -> None:
        try:
            results = self._run([item for request in requests for item in request.items])
        except Exception as error:  # noqa: BLE001 - raised again in each calling thread
            for request in requests:
                request.error = error
        else:
            start = 0
            for request in requests:
                request.results = list(results[start : start + len(request.items)])
                start += len(request.items)
        for request in requests:
            request.done = True
