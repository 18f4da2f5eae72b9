"""Status messages while Redis is full."""

from typing import Any

from bot.dependencies import BotDependencies
from bot.storage.status_target import JobTarget
from tests.bot.redis_fixture import run_scenario


def test_a_full_redis_lets_answers_begin_without_status_messages(redis_url: str) -> None:
    async def scenario(dependencies: BotDependencies) -> None:
        client: Any = dependencies.client
        await client.config_set("maxmemory", 1)
        try:
            assert not await dependencies.status_messages.reserve(JobTarget("a"))
            assert await dependencies.status_messages.take_over("a") is None
        finally:
            await client.config_set("maxmemory", 0)
        assert await dependencies.status_messages.reserve(JobTarget("a"))

    run_scenario(redis_url, scenario)
