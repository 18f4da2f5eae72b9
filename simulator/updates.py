"""Updates of one bot: fetched by one long poll, or brought to one webhook, again until they are taken."""

import asyncio
from collections import deque
from typing import Any

from simulator.errors import ApiError

Update = dict[str, Any]


class Updates:
    """A queue that forgets an update when a later one is asked for."""

    def __init__(self) -> None:
        self._waiting: deque[Update] = deque()
        self._next = 1
        self._news = asyncio.Event()
        self._poller: object | None = None
        self.allowed: list[str] | None = None
        self.kept: dict[int, Update] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, kind: str, content: dict[str, Any]) -> int:
        """Queue an update; returns its id. Kinds that the bot did not ask for are dropped, as Telegram does."""
        number = self._next
        update: Update = {"update_id": number, kind: content}
        self._next += 1
        if not self.allowed or kind in self.allowed:
            self.repeat(update)
        return number

    def repeat(self, update: Update) -> None:
        """Queue an update, perhaps once more."""
        self._waiting.append(update)
        self.kept[update["update_id"]] = update
        if len(self.kept) > 10_000:
            self.kept.pop(next(iter(self.kept)))
        self._news.set()

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Update]:
        """Updates from `offset` on, as soon as there are any. A second poller ends the first one's wait with 409."""
        me = self._poller = object()
        # Another poller in a wait has to notice.
        self._news.set()
        await asyncio.sleep(0)
        while offset and self._waiting and self._waiting[0]["update_id"] < offset:
            self._waiting.popleft()
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not self._waiting:
            self._news.clear()
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return []
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                return []
            if self._poller is not me:
                raise ApiError(
                    409,
                    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                )
        return [update for update, _ in zip(self._waiting, range(limit), strict=False)]

    async def take(self) -> Update:
        """The next update, for a webhook; it is gone from the queue."""
        while not self._waiting:
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    def clear(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
