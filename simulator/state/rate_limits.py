"""Telegram's limits on messages: about 30 a second, one a second to a chat, 20 a minute to a group.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
"""

import math
import time
from collections import deque
from typing import Final

from simulator.errors import ApiError

_MAX_PER_S: Final = 30
_CHAT_BURST: Final = 3
_MAX_PER_GROUP_MINUTE: Final = 20
_MINUTE_S: Final = 60


class RateLimits:
    """Counts the messages of one bot. `on` switches the limits."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._recent: deque[float] = deque()
        self._chats: dict[int, tuple[float, float]] = {}
        self._groups: dict[int, deque[float]] = {}

    def take(self, chat_id: int, count: int = 1) -> None:
        """Count messages to `chat`, an album as one that leaves a debt. Raises `ApiError` 429 where it is too much."""
        if not self.enabled:
            return
        now = time.monotonic()
        _discard_until(self._recent, now - 1)
        tokens, at = self._chats.get(chat_id, (float(_CHAT_BURST), now))
        tokens = min(_CHAT_BURST, tokens + now - at)
        group = self._groups.setdefault(chat_id, deque()) if chat_id < 0 else deque()
        _discard_until(group, now - _MINUTE_S)
        wait = 0.0
        if len(self._recent) >= _MAX_PER_S:
            wait = self._recent[0] + 1 - now
        if tokens < 1:
            wait = max(wait, 1 - tokens)
        if len(group) >= _MAX_PER_GROUP_MINUTE:
            wait = max(wait, group[0] + _MINUTE_S - now)
        if wait > 0:
            raise too_many_requests(max(1, math.ceil(wait)))
        self._recent.extend([now] * count)
        group.extend([now] * count)
        self._chats[chat_id] = (tokens - count, now)


def too_many_requests(seconds: int) -> ApiError:
    """The refusal of a call that came too soon."""
    return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _discard_until(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()
