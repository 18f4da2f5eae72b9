"""Calls that coroutines make at the same time go out as one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class AsyncCoalescer(Generic[Item, Result]):
    """Hands what has gathered to `action`, at most `most` items at once and one call at a time.

    Between two calls `pause_s` seconds pass, in which more gathers; what comes after a time of quiet goes at once.
    `action` returns a result for each item, in order. What it raises, each caller of that round gets.
    """

    def __init__(
        self, action: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], max_items: int, pause_s: float = 0
    ) -> None:
        self._action = action
        self._max_items = max_items
        self._pause_s = pause_s
        self._pending: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def call(self, item: Item) -> Result:
        """The result for `item`."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._pending.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._pending:
                batch, self._pending = self._pending[: self._max_items], self._pending[self._max_items :]
                await self._run_batch(batch)
                if self._pause_s:
                    await asyncio.sleep(self._pause_s)
        finally:
            self._running = None

    async def _run_batch(self, batch: "list[tuple[Item, asyncio.Future[Result]]]") -> None:
        try:
            results = await self._action([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is the callers' to handle
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
