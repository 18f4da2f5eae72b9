"""Enforces Telegram's rate limits on sending. All replicas share them through Redis."""

import asyncio
import time
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from bot.storage import redis_keys
from shared.config.overrides import SettingsOverrides
from shared.config.settings import Settings
from shared.ledger.script_call import with_clock_prelude
from shared.redis_client.retry import AsyncRedisRetry

_SCRIPTS: Final = Path(__file__).parents[1] / "scripts"
# Allowed also when Redis is full: an answer that was sent frees memory.
_ACQUIRE_PERMIT: Final = with_clock_prelude(
    (_SCRIPTS / "acquire_permit.lua").read_text(encoding="utf-8"), allow_oom=True
)
_GET_LONGEST_TTL: Final = (
    "#!lua flags=allow-oom\nreturn math.max(redis.call('PTTL', KEYS[1]), redis.call('PTTL', KEYS[2]))"
)
_BLOCK_SENDING: Final = with_clock_prelude((_SCRIPTS / "block_sending.lua").read_text(encoding="utf-8"), allow_oom=True)

#: If Telegram limits so many chats within a second, the limit of all chats together is exceeded.
_MIN_LIMITED_CHATS: Final = 3

#: A permit may be reserved so far ahead for an answer. Seconds.
_MAX_RESERVATION_S: Final = 1.0

#: After a pause a process sends faster than the overall rate by this factor, until it has used the permits of the
#: pause. If more than 30 messages come within any second, Telegram refuses some, and all chats wait.
_CATCH_UP_FACTOR: Final = 1.015


class Priority(IntEnum):
    """Order of permits: answers, then messages that users asked for, then status updates."""

    ANSWER = 0
    MESSAGE = 1
    PROGRESS = 2


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit to send after `wait_s` seconds if `granted`; if not, ask again after `wait_s`.

    `is_chat_limit`: it was not granted because of the chat's own limit.
    """

    wait_s: float
    granted: bool
    is_chat_limit: bool


class RateLimiter:
    """Grants permits to send, by the settings `telegram_...`."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry, overrides: SettingsOverrides) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._acquire_permit = client.register_script(_ACQUIRE_PERMIT)
        self._get_longest_ttl = client.register_script(_GET_LONGEST_TTL)
        self._block_sending = client.register_script(_BLOCK_SENDING)
        self._overrides = overrides
        self._next_send_at = 0.0

    async def request_permit(self, chat_id: int, priority: Priority) -> Permit:
        """Ask once for a permit to send to a chat; groups have negative ids. Only answers can reserve one ahead."""
        settings = self._overrides.current
        limits = (*_global_limit(settings), f"chat:{chat_id}", *_chat_limit(chat_id, settings))
        max_ahead_ms = _MAX_RESERVATION_S * 1000 if priority is Priority.ANSWER else 0
        arguments: list[str | float] = [chat_id, int(priority), max_ahead_ms, *limits]
        wait_ms, result = await self._retry.call(
            lambda: self._acquire_permit(keys=[redis_keys.RATE_LIMIT_PREFIX], args=arguments)
        )
        return Permit(wait_ms / 1000, granted=result == b"granted", is_chat_limit=result == b"chat")

    async def wait_for_permit(self, chat_id: int, priority: Priority, *, max_wait_s: float) -> Permit:
        """Ask until a permit is granted. If the chat's own limit takes longer than `max_wait_s`, return the refusal."""
        while not (permit := await self.request_permit(chat_id, priority)).granted:
            if permit.is_chat_limit and permit.wait_s > max_wait_s:
                return permit
            await asyncio.sleep(permit.wait_s)
        return permit

    def get_chat_interval_s(self, chat_id: int) -> float:
        """Return the seconds between two messages to a chat."""
        interval_ms, _ = _chat_limit(chat_id, self._overrides.current)
        return interval_ms / 1000

    async def space_sends(self) -> None:
        """Wait until the last send of this process is long enough ago.

        Permits are evenly spaced, but a process that was paused would use several at once.
        """
        now = time.monotonic()
        send_at = max(now, self._next_send_at)
        self._next_send_at = send_at + 1 / (_CATCH_UP_FACTOR * self._overrides.current.telegram_per_s)
        if send_at > now:
            await asyncio.sleep(send_at - now)

    async def get_block_s(self, chat_id: int) -> float:
        """Return for how many more seconds nothing may be sent to the chat, as Telegram demanded."""
        keys = [f"{redis_keys.RATE_LIMIT_PREFIX}blocked:{name}" for name in (chat_id, "all")]
        ttl_ms: int = await self._retry.call(lambda: self._get_longest_ttl(keys=keys, args=[]))
        return max(0, ttl_ms) / 1000

    async def block(self, chat_id: int, seconds: float) -> None:
        """Obey Telegram's `retry_after`: block the chat, or all chats if several were limited within a second."""
        arguments = [chat_id, round(seconds * 1000), _MIN_LIMITED_CHATS]
        await self._retry.call(lambda: self._block_sending(keys=[redis_keys.RATE_LIMIT_PREFIX], args=arguments))


def _global_limit(settings: Settings) -> tuple[str, float, float]:
    # Without a burst: Telegram counts in a sliding second, and a burst exceeds its limit.
    return "all", 1000 / settings.telegram_per_s, 0


def _chat_limit(chat_id: int, settings: Settings) -> tuple[float, float]:
    """Return the milliseconds between permits, and those of the burst."""
    if chat_id < 0:
        return 60_000 / settings.telegram_group_per_minute, 120_000 / settings.telegram_group_per_minute
    return 1000 / settings.telegram_chat_per_s, 1500 / settings.telegram_chat_per_s
