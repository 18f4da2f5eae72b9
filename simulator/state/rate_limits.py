"""Telegram's rate limits on messages: about 30 a second, one a second to a chat, 20 a minute to a group.

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
    """Limits the messages of one bot while `enabled`."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._recent: deque[float] = deque()
        #: For each chat the tokens of its bucket, and when they were counted.
        self._chats: dict[int, tuple[float, float]] = {}
        self._groups: dict[int, deque[float]] = {}

    def take(self, chat_id: int, count: int = 1) -> None:
        """Count messages to a chat. An album is sent as a whole and may leave the bucket below zero.

        Raises:
            ApiError: 429, a limit is exceeded.
        """
        if not self.enabled:
            return
        now = time.monotonic()
        _discard_until(self._recent, now - 1)
        tokens, counted_at = self._chats.get(chat_id, (float(_CHAT_BURST), now))
        tokens = min(_CHAT_BURST, tokens + now - counted_at)
        group = self._groups.setdefault(chat_id, deque()) if chat_id < 0 else deque()
        _discard_until(group, now - _MINUTE_S)
        wait_s = 0.0
        if len(self._recent) >= _MAX_PER_S:
            wait_s = self._recent[0] + 1 - now
        if tokens < 1:
            wait_s = max(wait_s, 1 - tokens)
        if len(group) >= _MAX_PER_GROUP_MINUTE:
            wait_s = max(wait_s, group[0] + _MINUTE_S - now)
        if wait_s > 0:
            raise too_many_requests(max(1, math.ceil(wait_s)))
        self._recent.extend([now] * count)
        group.extend([now] * count)
        self._chats[chat_id] = (tokens - count, now)


def too_many_requests(seconds: int) -> ApiError:
    """The error of a call that exceeds a rate limit."""
    return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def _discard_until(times: deque[float], end: float) -> None:
    while times and times[0] <= end:
        times.popleft()
