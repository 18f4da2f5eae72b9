"""Updates of one bot: fetched by one long poll, or taken for one webhook."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from simulator.errors import ApiError

Update = dict[str, Any]

#: How many updates can be brought once more.
_MAX_HISTORY: Final = 10_000
_OTHER_POLLER: Final = "other getUpdates request; make sure that only one bot instance is running"


class UpdateQueue:
    """A queue that forgets an update when a later one is asked for."""

    def __init__(self) -> None:
        self._pending: deque[Update] = deque()
        self._redeliveries: deque[Update] = deque()
        self._history: dict[int, Update] = {}
        self._next_id = 1
        self._changed = asyncio.Event()
        self._poller: object | None = None
        self._terminated_by = ""
        #: Kinds that the bot asked for; none named: all.
        self.allowed_kinds: list[str] = []

    def __len__(self) -> int:
        return len(self._pending) + len(self._redeliveries)

    def add(self, kind: str, content: dict[str, Any]) -> int | None:
        """Queue an update; returns its id. None where the bot did not ask for the kind: Telegram drops those."""
        if self.allowed_kinds and kind not in self.allowed_kinds:
            return None
        number = self._next_id
        self._next_id += 1
        update = self._history[number] = {"update_id": number, kind: content}
        if len(self._history) > _MAX_HISTORY:
            del self._history[next(iter(self._history))]
        self._pending.append(update)
        self._changed.set()
        return number

    def redeliver(self, update_id: int) -> None:
        """Queue an update once more, as happens in Telegram after a failure. Raises `ApiError`."""
        if update_id not in self._history:
            raise ApiError(404, f"there is no update {update_id}")
        # Apart from the others: the bot's offset, which is beyond it already, would take it away.
        self._redeliveries.append(self._history[update_id])
        self._changed.set()

    def requeue(self, updates: Iterable[Update]) -> None:
        """Queue what was taken and could not be brought, before all others."""
        self._pending.extendleft(sorted(updates, key=lambda one: -int(one["update_id"])))
        self._changed.set()

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Update]:
        """Updates from `offset` on, as soon as there are any. Raises `ApiError` 409 when another poll takes over."""
        self.terminate_poll(_OTHER_POLLER)
        me = self._poller = object()
        self._discard_before(offset)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not len(self):
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, deadline - loop.time()))
            except TimeoutError:
                return []
            if self._poller is not me:
                raise ApiError(409, f"Conflict: terminated by {self._terminated_by}")
        again = [self._redeliveries.popleft() for _ in range(min(limit, len(self._redeliveries)))]
        return again + [update for update, _ in zip(self._pending, range(limit - len(again)), strict=False)]

    def terminate_poll(self, reason: str) -> None:
        """End a poll that waits, because of `by`."""
        self._poller, self._terminated_by = None, reason
        self._changed.set()

    async def pop(self) -> Update:
        """The next update, for a webhook; it is gone from the queue."""
        while not len(self):
            self._changed.clear()
            await self._changed.wait()
        return (self._redeliveries or self._pending).popleft()

    def clear(self) -> None:
        """Drop what waits."""
        self._pending.clear()
        self._redeliveries.clear()

    def _discard_before(self, offset: int) -> None:
        """Drop what is before `offset`; a negative one keeps that many from the end."""
        if offset < 0:
            offset = int(self._pending[offset]["update_id"]) if len(self._pending) >= -offset else 0
        while self._pending and self._pending[0]["update_id"] < offset:
            self._pending.popleft()
