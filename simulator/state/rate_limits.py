"""Telegram's limits on messages: about 30 a second, one a second to a chat, 20 a minute to a group.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

import math
import time
from collections import deque
from typing import Final

from simulator.errors import ApiError

_OVERALL: Final = 30
_CHAT_BURST: Final = 3
_GROUP: Final = 20
_MINUTE_S: Final = 60


class RateLimits:
    """Counts the messages of one bot. `on` switches the limits."""

    def __init__(self, *, on: bool) -> None:
        self.on = on
        self._all: deque[float] = deque()
        self._chats: dict[int, tuple[float, float]] = {}
        self._groups: dict[int, deque[float]] = {}

    def take(self, chat: int, count: int = 1) -> None:
        """Count messages to `chat`, an album as one that leaves a debt. Raises `ApiError` 429 where it is too much."""
        if not self.on:
            return
        now = time.monotonic()
        _drop(self._all, now - 1)
        tokens, at = self._chats.get(chat, (float(_CHAT_BURST), now))
        tokens = min(_CHAT_BURST, tokens + now - at)
        group = self._groups.setdefault(chat, deque()) if chat < 0 else deque()
        _drop(group, now - _MINUTE_S)
        wait = 0.0
        if len(self._all) >= _OVERALL:
            wait = self._all[0] + 1 - now
        if tokens < 1:
            wait = max(wait, 1 - tokens)
        if len(group) >= _GROUP:
            wait = max(wait, group[0] + _MINUTE_S - now)
        if wait > 0:
            raise too_many(max(1, math.ceil(wait)))
        self._all.extend([now] * count)
        group.extend([now] * count)
        self._chats[chat] = (tokens - count, now)


def too_many(seconds: int) -> ApiError:
    """The refusal of a call that came too soon."""
    return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _drop(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()
