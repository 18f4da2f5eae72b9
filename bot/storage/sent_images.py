"""Remembers the images that the bot sent, so that it judges none of its own drawings."""

from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from bot.storage import redis_keys
from shared.redis_client.retry import AsyncRedisRetry

#: People forward an answer within days. Seconds.
_REMEMBERED_S: Final = 30 * 24 * 3600


class SentImages:
    """Job ids by the `file_unique_id` of the image in the answer. Neither says whose it is."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry

    async def record(self, unique_id: str, job_id: str) -> None:
        """Remember an image. Where Redis is full, it is not remembered: the answer was sent, and nothing waits."""
        key = redis_keys.sent_image(unique_id)
        try:
            await self._retry.call(lambda: self._redis.set(key, job_id, ex=_REMEMBERED_S))
        except OutOfMemoryError:
            return

    async def find_job_id(self, unique_id: str) -> str | None:
        """Return the id of the job whose answer contained the image; None if the bot did not send it."""
        value = await self._retry.call(lambda: self._redis.get(redis_keys.sent_image(unique_id)))
        return value.decode() if value else None
