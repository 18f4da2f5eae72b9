"""Whether replies of Telegram's have been lost lately: known to all replicas, and to those that start later."""

from typing import Any, Final

from redis.asyncio import Redis

from bot.storage import redis_keys
from shared.redis_client.retry import AsyncRedisRetry

_LATELY_S: Final = 60


class LostReplyFlag:
    """Remembers the last time that nobody knew whether a message had been sent."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py types one method for both of its clients
        self._retry = retry

    async def mark(self) -> None:
        """A reply was lost, or Telegram failed."""
        await self._retry.call(lambda: self._redis.set(redis_keys.LOST_REPLY, 1, ex=_LATELY_S))

    async def is_recent(self) -> bool:
        """Whether that was within the last minute."""
        return bool(await self._retry.call(lambda: self._redis.exists(redis_keys.LOST_REPLY)))
