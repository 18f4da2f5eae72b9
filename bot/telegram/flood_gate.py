"""Drops requests of users who have no allowance left before anything else is done with them."""

import time
from typing import Any, Final

#: Requests that withdraw or delete something or give consent, by how their texts and the data of their buttons begin.
_CHANGES: Final = ("/cancel", "/delete_me", "consent", "delete-for-good")

#: Number of rejected users that a process remembers at most.
_MAX_REMEMBERED: Final = 10_000


class FloodGate:
    """Remembers which users have no allowance left and until when, so that their further requests cost nothing.

    Without it hundreds of requests of one user delay the next users who write: Telegram sends updates in order.
    """

    def __init__(self) -> None:
        #: By user, and whether the requests change data: these have an allowance of their own.
        self._closed_until: dict[tuple[int, bool], float] = {}

    def close(self, user_id: int, seconds: float, *, changes_data: bool = False) -> None:
        """Drop the requests of a user for so long; those that change data, or the others."""
        if len(self._closed_until) >= _MAX_REMEMBERED:
            self._closed_until.clear()
        self._closed_until[user_id, changes_data] = time.monotonic() + seconds

    def drops(self, update: dict[str, Any]) -> bool:
        """Return whether `update`, as Telegram sent it, is a request to drop.

        Photos and files are no requests: each of them gets an answer or is counted in a notice.
        """
        event = update.get("message") or update.get("callback_query") or {}
        text = event.get("data") if "callback_query" in update else event.get("text")
        if not isinstance(text, str):
            return False
        user_id = event.get("from", {}).get("id", 0)
        return time.monotonic() < self._closed_until.get((user_id, text.startswith(_CHANGES)), 0)
