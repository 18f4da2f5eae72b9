"""Bursts of photos that the bot did not take. Their user gets one notice a burst, which says how many they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from bot.storage import redis_keys
from shared.ledger.script_call import with_clock_prelude
from shared.redis_client.retry import AsyncRedisRetry

_READ: Final = with_clock_prelude(
    (Path(__file__).parents[2] / "scripts" / "read_burst.lua").read_text(encoding="utf-8"), allow_oom=True
)


@dataclass(frozen=True, slots=True)
class Burst:
    """Photos of one chat that were not taken for one reason: their messages in order, and the seconds since then."""

    message_ids: tuple[int, ...]
    since_first_s: float
    since_last_s: float


class UnansweredPhotos:
    """The admission script notes such photos. Every method waits while Redis is unavailable."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._read = client.register_script(_READ)

    async def get_burst(self, user_id: int, chat_id: int, reason: str) -> Burst:
        """Return the burst. It is empty if the user withdrew the photos."""
        keys, arguments = [redis_keys.unanswered_photos(user_id)], [_prefix(chat_id, reason)]
        reply = await self._retry.call(lambda: self._read(keys=keys, args=arguments))
        since_first_ms, since_last_ms, *message_ids = reply
        return Burst(tuple(sorted(message_ids)), since_first_ms / 1000, since_last_ms / 1000)

    async def remove(self, user_id: int, reason: str, photos: Sequence[tuple[int, int]]) -> None:
        """Forget photos by chat and message: their user knows, or there is nothing to say any more."""
        if photos:
            members = [f"{_prefix(chat_id, reason)}{message_id}" for chat_id, message_id in photos]
            await self._retry.call(lambda: self._redis.zrem(redis_keys.unanswered_photos(user_id), *members))

    async def clear(self, user_id: int) -> None:
        """Forget all photos of a user: there is nothing to say about them any more."""
        await self._retry.call(lambda: self._redis.delete(redis_keys.unanswered_photos(user_id)))


def _prefix(chat_id: int, reason: str) -> str:
    return f"{chat_id}:{reason}:"
