"""A log of all calls of the Bot API, for those who want to know what a bot did."""

import time
from collections import deque
from typing import Any, Final

_KEPT: Final = 200_000


class Calls:
    """The latest calls. No text of a message is kept."""

    def __init__(self) -> None:
        self._calls: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._next = 1

    def begin(self, method: str, chat: object) -> dict[str, Any]:
        """Note a call that begins; the caller fills in how it ended. Times in seconds of this machine."""
        call: dict[str, Any] = {
            "seq": self._next,
            "at": time.time(),
            "method": method,
            "chat_id": chat,
            "message_id": None,
            "ok": False,
            "error_code": None,
            "fault": None,
            "took_effect": False,
        }
        self._next += 1
        self._calls.append(call)
        return call

    def since(self, seq: int) -> list[dict[str, Any]]:
        """Calls after `seq`."""
        return [call for call in self._calls if call["seq"] > seq]
