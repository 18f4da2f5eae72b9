"""How often something failed, counted in Redis so that replicas and restarts go on counting."""

from typing import Any, Final

from redis.asyncio import Redis

from bot.storage import redis_keys
from shared.redis_client.retry import AsyncRedisRetry

_KEPT_S: Final = 3600
_LONGEST_PAUSE_S: Final = 30.0


class AttemptCounter:
    """Failed tries by job id."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py types one method for both of its clients
        self._retry = retry

    async def record_failure(self, id_: str) -> int:
        """Count one more; returns how many there are now."""

        async def count() -> int:
            async with self._redis.pipeline() as pipeline:
                pipeline.incr(redis_keys.attempts(id_))
                pipeline.expire(redis_keys.attempts(id_), _KEPT_S)
                return int((await pipeline.execute())[0])

        return await self._retry.call(count)

    @staticmethod
    def backoff_s(tries: int) -> float:
        """Seconds to wait after so many failures: half a second, doubled each time."""
        return min(_LONGEST_PAUSE_S, 0.5 * 2.0 ** min(tries - 1, 10))
