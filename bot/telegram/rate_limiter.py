"""Telegram's limits on sending, kept by all replicas together through Redis."""

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

_PREFIX: Final = f"{redis_keys.PREFIX}pace:"

_SCRIPTS: Final = Path(__file__).parents[1] / "scripts"
# Also when Redis is full: an answer that was sent makes room.
_ACQUIRE_PERMIT: Final = with_clock_prelude(
    (_SCRIPTS / "acquire_permit.lua").read_text(encoding="utf-8"), allow_oom=True
)
_BLOCK_SENDING: Final = with_clock_prelude((_SCRIPTS / "block_sending.lua").read_text(encoding="utf-8"), allow_oom=True)

#: So many chats refused within a second mean that it is not the chats.
_MIN_LIMITED_CHATS: Final = 3

#: How far ahead a turn is reserved for an answer. Seconds.
_MAX_RESERVATION_S: Final = 1.0

#: By how much faster than the overall pace a process makes good the turns that it slept through. Telegram refuses
#: whatever goes beyond its own 30 a second within any second, and then everyone waits.
_CATCH_UP_FACTOR: Final = 1.015


class Priority(IntEnum):
    """Who goes first when not all can: answers, then what people asked for, then word of progress."""

    ANSWER = 0
    MESSAGE = 1
    PROGRESS = 2


@dataclass(frozen=True, slots=True)
class Permit:
    """A turn that is `ours` to take after `wait_s` seconds; else none, and after `wait_s` it is worth asking again.

    `chat`: the wait is for this chat's own limit.
    """

    wait_s: float
    granted: bool
    is_chat_limit: bool


class RateLimiter:
    """Gives turns to send, by `telegram_per_s` and the like."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry, overrides: SettingsOverrides) -> None:
        self._redis: Any = client  # redis-py types one method for both of its clients
        self._retry = retry
        self._acquire_permit = client.register_script(_ACQUIRE_PERMIT)
        self._block_sending = client.register_script(_BLOCK_SENDING)
        self._overrides = overrides
        self._next_at = 0.0

    async def request_permit(self, chat: int, priority: Priority) -> Permit:
        """Ask for one turn to send to `chat`; groups have negative ids. Only answers get turns ahead of time."""
        limits = (*_global_limit(self._overrides.current), f"chat:{chat}", *_chat_limit(chat, self._overrides.current))
        ahead_ms = _MAX_RESERVATION_S * 1000 if priority is Priority.ANSWER else 0
        arguments: list[str | float] = [chat, int(priority), ahead_ms, *limits]
        wait, what = await self._retry.call(lambda: self._acquire_permit(keys=[_PREFIX], args=arguments))
        return Permit(wait / 1000, granted=what == b"ours", is_chat_limit=what == b"chat")

    async def wait_for_permit(self, chat: int, priority: Priority, *, max_wait_s: float) -> Permit:
        """Ask until there is one; but where the chat's own limit takes longer than `patient_s`, return that."""
        while not (turn := await self.request_permit(chat, priority)).granted:
            if turn.is_chat_limit and turn.wait_s > max_wait_s:
                return turn
            await asyncio.sleep(turn.wait_s)
        return turn

    async def space_sends(self) -> None:
        """Wait until what this process sent last is long enough ago.

        Turns are evenly apart, but whoever stood still for a moment would take several at once.
        """
        now = time.monotonic()
        moment = max(now, self._next_at)
        self._next_at = moment + 1 / (_CATCH_UP_FACTOR * self._overrides.current.telegram_per_s)
        if moment > now:
            await asyncio.sleep(moment - now)

    async def get_block_s(self, chat: int) -> float:
        """For how many seconds Telegram wants nothing sent to `chat`."""

        async def left_ms(name: str) -> int:
            return int(await self._retry.call(lambda: self._redis.pttl(f"{_PREFIX}hold:{name}")))

        return max(0, await left_ms(str(chat)), await left_ms("all")) / 1000

    async def block(self, chat: int, seconds: float) -> None:
        """Obey a `retry_after`: the chat waits, and all do where several chats were refused within a second."""
        arguments = [chat, round(seconds * 1000), _MIN_LIMITED_CHATS]
        await self._retry.call(lambda: self._block_sending(keys=[_PREFIX], args=arguments))


def _global_limit(settings: Settings) -> tuple[str, float, float]:
    # Evenly: Telegram counts in a sliding second, and what goes out in bursts overdraws it.
    return "all", 1000 / settings.telegram_per_s, 0


def _chat_limit(chat: int, settings: Settings) -> tuple[float, float]:
    if chat < 0:
        return 60_000 / settings.telegram_group_per_minute, 120_000 / settings.telegram_group_per_minute
    return 1000 / settings.telegram_chat_per_s, 1500 / settings.telegram_chat_per_s
