"""Updates of one bot: fetched by one long poll, or taken for one webhook."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from simulator.errors import ApiError

Update = dict[str, Any]

#: How many updates can be brought once more.
_KEPT: Final = 10_000
_OTHER_POLLER: Final = "other getUpdates request; make sure that only one bot instance is running"


class UpdateQueue:
    """A queue that forgets an update when a later one is asked for."""

    def __init__(self) -> None:
        self._waiting: deque[Update] = deque()
        self._again: deque[Update] = deque()
        self._kept: dict[int, Update] = {}
        self._next = 1
        self._news = asyncio.Event()
        self._poller: object | None = None
        self._ended_by = ""
        #: Kinds that the bot asked for; none named: all.
        self.allowed: list[str] = []

    def __len__(self) -> int:
        return len(self._waiting) + len(self._again)

    def add(self, kind: str, content: dict[str, Any]) -> int | None:
        """Queue an update; returns its id. None where the bot did not ask for the kind: Telegram drops those."""
        if self.allowed and kind not in self.allowed:
            return None
        number = self._next
        self._next += 1
        update = self._kept[number] = {"update_id": number, kind: content}
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        self._waiting.append(update)
        self._news.set()
        return number

    def repeat(self, number: int) -> None:
        """Queue an update once more, as happens in Telegram after a failure. Raises `ApiError`."""
        if number not in self._kept:
            raise ApiError(404, f"there is no update {number}")
        # Apart from the others: the bot's offset, which is beyond it already, would take it away.
        self._again.append(self._kept[number])
        self._news.set()

    def put_back(self, updates: Iterable[Update]) -> None:
        """Queue what was taken and could not be brought, before all others."""
        self._waiting.extendleft(sorted(updates, key=lambda one: -int(one["update_id"])))
        self._news.set()

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Update]:
        """Updates from `offset` on, as soon as there are any. Raises `ApiError` 409 when another poll takes over."""
        self.end_poll(_OTHER_POLLER)
        me = self._poller = object()
        self._forget(offset)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not len(self):
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), max(0.0, deadline - loop.time()))
            except TimeoutError:
                return []
            if self._poller is not me:
                raise ApiError(409, f"Conflict: terminated by {self._ended_by}")
        again = [self._again.popleft() for _ in range(min(limit, len(self._again)))]
        return again + [update for update, _ in zip(self._waiting, range(limit - len(again)), strict=False)]

    def end_poll(self, by: str) -> None:
        """End a poll that waits, because of `by`."""
        self._poller, self._ended_by = None, by
        self._news.set()

    async def take(self) -> Update:
        """The next update, for a webhook; it is gone from the queue."""
        while not len(self):
            self._news.clear()
            await self._news.wait()
        return (self._again or self._waiting).popleft()

    def clear(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        self._again.clear()

    def _forget(self, offset: int) -> None:
        """Drop what is before `offset`; a negative one keeps that many from the end."""
        if offset < 0:
            offset = int(self._waiting[offset]["update_id"]) if len(self._waiting) >= -offset else 0
        while self._waiting and self._waiting[0]["update_id"] < offset:
            self._waiting.popleft()
