"""Flag that a reply of Telegram was lost lately. All replicas share it, and replicas that start later see it, too."""

from typing import Any, Final

from redis.asyncio import Redis

from bot.storage import redis_keys
from shared.redis_client.allowed_writes import AllowedWrites
from shared.redis_client.retry import AsyncRedisRetry

_RECENT_S: Final = 60


class LostReplyFlag:
    """Set for a minute after a call to Telegram whose outcome is unknown: the message may have been sent."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._writes = AllowedWrites(client)

    async def mark(self) -> None:
        """Set the flag, also where Redis is full: a reply was lost, or Telegram failed."""
        await self._retry.call(lambda: self._writes.run("SET", redis_keys.LOST_REPLY, 1, "EX", _RECENT_S))

    async def is_recent(self) -> bool:
        """Return whether a reply was lost within the last minute."""
        return bool(await self._retry.call(lambda: self._redis.exists(redis_keys.LOST_REPLY)))
