"""A log of all calls of the Bot API, for tests that check what a bot did."""

import time
from collections import deque
from itertools import islice
from typing import Any, Final

_MAX_CALLS: Final = 200_000


class CallLog:
    """The latest calls. It keeps no message text."""

    def __init__(self) -> None:
        self._calls: deque[dict[str, Any]] = deque(maxlen=_MAX_CALLS)
        self._next_seq = 1

    def start(self, method: str, bot: str) -> dict[str, Any]:
        """Add a call; the caller fills in its outcome. `at` is seconds of the monotonic clock."""
        call: dict[str, Any] = {
            "seq": self._next_seq,
            "at": time.monotonic(),
            "bot": bot,
            "method": method,
            "chat_id": None,
            "message_id": None,
            "message_ids": [],
            "ok": False,
            "error_code": None,
            "fault": None,
            "took_effect": False,
        }
        self._next_seq += 1
        self._calls.append(call)
        return call

    def since(self, seq: int) -> list[dict[str, Any]]:
        """The calls after the one with this `seq`."""
        if not self._calls:
            return []
        return list(islice(self._calls, max(0, seq + 1 - self._calls[0]["seq"]), None))
