"""The updates of one bot, fetched by one long poll or popped for one webhook."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from simulator.errors import ApiError

Update = dict[str, Any]

#: Number of updates that can be redelivered.
_MAX_HISTORY: Final = 10_000
_OTHER_POLLER: Final = "other getUpdates request; make sure that only one bot instance is running"


class UpdateQueue:
    """A queue that drops an update once a poll asks for a later one."""

    def __init__(self, first_id: int) -> None:
        self._pending: deque[Update] = deque()
        self._redeliveries: deque[Update] = deque()
        self._history: dict[int, Update] = {}
        self._next_id = first_id
        self._changed = asyncio.Event()
        self._poller: object | None = None
        self._terminated_by = ""
        #: The kinds of updates that the bot allows; empty for all.
        self.allowed_kinds: list[str] = []

    def __len__(self) -> int:
        return len(self._pending) + len(self._redeliveries)

    def add(self, kind: str, content: dict[str, Any]) -> int | None:
        """Queue an update; returns its id. As in Telegram, a kind that is not allowed is dropped, which gives None."""
        if self.allowed_kinds and kind not in self.allowed_kinds:
            return None
        update_id = self._next_id
        self._next_id += 1
        update = self._history[update_id] = {"update_id": update_id, kind: content}
        if len(self._history) > _MAX_HISTORY:
            del self._history[next(iter(self._history))]
        self._pending.append(update)
        self._changed.set()
        return update_id

    def redeliver(self, update_id: int) -> None:
        """Queue an update once more, as Telegram does after a failure. Raises `ApiError`."""
        if update_id not in self._history:
            raise ApiError(404, f"there is no update {update_id}")
        # Kept apart from the pending updates: the bot's offset is already beyond it and would discard it.
        self._redeliveries.append(self._history[update_id])
        self._changed.set()

    def requeue(self, updates: Iterable[Update]) -> None:
        """Queue popped updates that could not be delivered, before all others."""
        self._pending.extendleft(sorted(updates, key=lambda update: -int(update["update_id"])))
        self._changed.set()

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Update]:
        """The updates from `offset` on, as soon as there are any. Raises `ApiError` 409 if another poll starts."""
        self.terminate_poll(_OTHER_POLLER)
        poller = self._poller = object()
        self._discard_before(offset)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not len(self):
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, deadline - loop.time()))
            except TimeoutError:
                return []
            if self._poller is not poller:
                if not self._terminated_by:
                    return []
                raise ApiError(409, f"Conflict: terminated by {self._terminated_by}")
        redeliveries = [self._redeliveries.popleft() for _ in range(min(limit, len(self._redeliveries)))]
        pending = [update for update, _ in zip(self._pending, range(limit - len(redeliveries)), strict=False)]
        return redeliveries + pending

    def terminate_poll(self, reason: str) -> None:
        """End a running poll with an error that names `reason`."""
        self._poller, self._terminated_by = None, reason
        self._changed.set()

    def end_poll(self) -> None:
        """End a running poll without an update, as its timeout does."""
        self._poller, self._terminated_by = None, ""
        self._changed.set()

    async def pop(self) -> Update:
        """Remove and return the next update, for a webhook."""
        while not len(self):
            self._changed.clear()
            await self._changed.wait()
        return (self._redeliveries or self._pending).popleft()

    def clear(self) -> None:
        """Drop all queued updates."""
        self._pending.clear()
        self._redeliveries.clear()

    def _discard_before(self, offset: int) -> None:
        """Drop the updates before `offset`; a negative one keeps that many from the end."""
        if offset < 0:
            offset = int(self._pending[offset]["update_id"]) if len(self._pending) >= -offset else 0
        while self._pending and self._pending[0]["update_id"] < offset:
            self._pending.popleft()
