"""Statistics of the day for /stats: counts and durations, nothing of a user."""

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

#: Feedback on an answer counts once within this time. Seconds.
_FEEDBACK_ONCE_S: Final = 24 * 3600

#: Number of latest answers whose durations are kept.
_MAX_LATENCIES: Final = 1000


class AnswerStatistics:
    """Counts in Redis, which all replicas share."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._clock = client.register_script(with_clock_prelude("return clock()", allow_oom=True))

    async def record_answers(self, answers: Sequence[tuple[str, float]]) -> None:
        """Count answers. Where Redis is full, only the metrics of this process count them.

        Args:
            answers: For each answer the outcome (verdict, refusal, failure) and when its photo was received, in
                seconds of Redis' clock.
        """
        now = await self._now_s()
        latencies = [max(0.0, now - received_at) for _, received_at in answers]

        async def write() -> None:
            day = _daily_key(now)
            async with self._redis.pipeline(transaction=False) as pipeline:
                for outcome, count in Counter(outcome for outcome, _ in answers).items():
                    pipeline.hincrby(day, outcome, count)
                pipeline.expire(day, _KEPT_S)
                pipeline.lpush(redis_keys.LATENCIES, *(f"{latency:.3f}" for latency in latencies))
                pipeline.ltrim(redis_keys.LATENCIES, 0, _MAX_LATENCIES - 1)
                await pipeline.execute()

        with contextlib.suppress(OutOfMemoryError):
            await self._retry.call(write)
        for (outcome, _), latency in zip(answers, latencies, strict=True):
            METRICS.answers.labels(outcome=outcome).inc()
            METRICS.answer_seconds.observe(latency)

    async def get_today(self) -> dict[str, int]:
        """Return today's answers (UTC) by outcome."""
        day = _daily_key(await self._now_s())
        counts = await self._retry.call(lambda: self._redis.hgetall(day))
        return {outcome.decode(): int(count) for outcome, count in counts.items()}

    async def get_latencies(self) -> list[float]:
        """Return the seconds from photo to answer of the latest answers, in ascending order."""
        latencies = await self._retry.call(lambda: self._redis.lrange(redis_keys.LATENCIES, 0, -1))
        return sorted(float(latency) for latency in latencies)

    async def record_feedback(self, rating: str, job_id: str) -> None:
        """Count a yes or a no to the answer of a job. A second press within a day is not counted."""

        async def write() -> None:
            if await self._redis.set(redis_keys.feedback_given(job_id), rating, nx=True, ex=_FEEDBACK_ONCE_S):
                await self._redis.hincrby(redis_keys.FEEDBACK, rating)

        await self._retry.call(write)

    async def _now_s(self) -> float:
        """Return the time of the ledger's clock."""
        now_ms: float = await self._retry.call(lambda: self._clock(keys=[], args=[]))
        return now_ms / 1000


def _daily_key(seconds: float) -> str:
    return redis_keys.daily_answers(datetime.fromtimestamp(seconds, UTC).date().isoformat())
