"""Status messages while Redis is full."""

from typing import Any

from bot.dependencies import BotDependencies
from bot.storage.status_target import JobTarget
from tests.bot.redis_fixture import full_redis, run_scenario


def test_a_full_redis_lets_answers_begin_without_status_messages(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        messages = dependencies.status_messages
        async with full_redis(dependencies):
            assert not await messages.reserve(JobTarget("a"))
            assert await messages.take_over("a") is None
        assert not await messages.reserve(JobTarget("a")), "its answer has begun"
        assert await messages.reserve(JobTarget("b"))

    run_scenario(redis_url, scenario)


def test_status_message_that_was_sent_becomes_the_answer_though_redis_is_full_meanwhile(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        messages = dependencies.status_messages
        redis: Any = dependencies.client
        assert await messages.reserve(JobTarget("a"))
        async with full_redis(dependencies):
            await messages.record(JobTarget("a"), 55)
            assert await messages.take_over("a") == 55
            (key,) = [key async for key in redis.scan_iter("*") if await redis.get(key) == b"55"]
            assert await redis.ttl(key) > 0

    run_scenario(redis_url, scenario)
