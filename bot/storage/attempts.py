"""Counts failed attempts in Redis, so that replicas and restarts share the count."""

from typing import Any, Final

from redis.asyncio import Redis

from bot.storage import redis_keys
from shared.redis_client.allowed_writes import AllowedWrites
from shared.redis_client.retry import AsyncRedisRetry

_KEPT_S: Final = 3600
_MAX_BACKOFF_S: Final = 30.0


class AttemptCounter:
    """Failed attempts by job id."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._writes = AllowedWrites(client)

    async def record_failure(self, job_id: str) -> int:
        """Count one failed attempt, also where Redis is full; returns how many there are now."""

        async def count() -> int:
            attempts = int(await self._writes.run("INCR", redis_keys.attempts(job_id)))
            await self._redis.expire(redis_keys.attempts(job_id), _KEPT_S)
            return attempts

        return await self._retry.call(count)

    async def reset(self, job_id: str) -> None:
        """Forget the failed attempts of a job."""
        await self._retry.call(lambda: self._redis.delete(redis_keys.attempts(job_id)))

    @staticmethod
    def backoff_s(attempts: int) -> float:
        """Return the seconds to wait after so many failed attempts: half a second, doubled each time."""
        return min(_MAX_BACKOFF_S, 0.5 * 2.0 ** min(attempts - 1, 10))
