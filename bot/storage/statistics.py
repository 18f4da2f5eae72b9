"""Numbers of the day for /stats: counts and times, nothing of a person."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from bot.metrics import METRICS
from bot.storage import redis_keys
from shared.ledger.script_call import with_clock_prelude
from shared.redis_client.retry import AsyncRedisRetry

_KEPT_S: Final = 3 * 24 * 3600

#: For as long an answer is rated once. Seconds.
_RATED_S: Final = 24 * 3600

#: Of so many latest answers the times are kept.
_LATEST: Final = 1000


class AnswerStatistics:
    """Counted in Redis, by all replicas together."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py types one method for both of its clients
        self._retry = retry
        self._now = client.register_script(with_clock_prelude("return clock()", allow_oom=True))

    async def record_answers(self, answers: Sequence[tuple[str, float]]) -> None:
        """Count answers: the outcome (verdict, refusal, failure) of each, and when its photograph was received.

        Where Redis is full they are counted in the metrics of this process alone.
        """
        now = await self._seconds()
        took = [max(0.0, now - received_at) for _, received_at in answers]

        async def write() -> None:
            day = _day(now)
            async with self._redis.pipeline(transaction=False) as pipeline:
                for outcome, count in Counter(outcome for outcome, _ in answers).items():
                    pipeline.hincrby(day, outcome, count)
                pipeline.expire(day, _KEPT_S)
                pipeline.lpush(redis_keys.LATENCIES, *(f"{one:.3f}" for one in took))
                pipeline.ltrim(redis_keys.LATENCIES, 0, _LATEST - 1)
                await pipeline.execute()

        with contextlib.suppress(OutOfMemoryError):
            await self._retry.call(write)
        for (outcome, _), seconds in zip(answers, took, strict=True):
            METRICS.answers.labels(outcome=outcome).inc()
            METRICS.answer_seconds.observe(seconds)

    async def get_today(self) -> dict[str, int]:
        """Answers of today (UTC) by outcome."""
        day = _day(await self._seconds())
        found = await self._retry.call(lambda: self._redis.hgetall(day))
        return {name.decode(): int(count) for name, count in found.items()}

    async def get_latencies(self) -> list[float]:
        """Seconds that the latest answers took, in order of size."""
        found = await self._retry.call(lambda: self._redis.lrange(redis_keys.LATENCIES, 0, -1))
        return sorted(float(one) for one in found)

    async def record_feedback(self, word: str, job_id: str) -> None:
        """Count a yes or a no to the answer of a job; pressed again, it counts once."""

        async def write() -> None:
            if await self._redis.set(redis_keys.feedback_given(job_id), word, nx=True, ex=_RATED_S):
                await self._redis.hincrby(redis_keys.FEEDBACK, word)

        await self._retry.call(write)

    async def _seconds(self) -> float:
        """The ledger's clock."""
        now: float = await self._retry.call(lambda: self._now(keys=[], args=[]))
        return now / 1000


def _day(seconds: float) -> str:
    """The key of the day (UTC) of a moment."""
    return redis_keys.daily_answers(datetime.fromtimestamp(seconds, UTC).date().isoformat())
