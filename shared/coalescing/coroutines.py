"""Coalesces the calls of coroutines: those made at the same time share one call."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class AsyncCoalescer(Generic[Item, Result]):
    """Calls `action` with the items that have gathered, one call at a time."""

    def __init__(
        self, action: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], max_items: int, pause_s: float = 0
    ) -> None:
        """Create a coalescer.

        Args:
            action: Returns one result for each item, in order. What it raises is raised in every caller of the batch.
            max_items: Maximum number of items in one call.
            pause_s: Seconds between two calls, in which more items gather. After an idle time an item does not wait.
        """
        self._action = action
        self._max_items = max_items
        self._pause_s = pause_s
        self._pending: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def call(self, item: Item) -> Result:
        """Return the result for `item`."""
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
        except Exception as error:  # noqa: BLE001 - each caller handles it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
