"""Runs a scenario with the dependencies of a bot on a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr

from bot.dependencies import BotDependencies
from shared.config.settings import Settings


def run_scenario(redis_url: str, scenario: Callable[[BotDependencies], Awaitable[None]], **settings: Any) -> None:
    """Run `scenario` on the Redis at `redis_url`, with `settings` besides the defaults."""

    async def run() -> None:
        dependencies = BotDependencies(Settings(redis_url=SecretStr(redis_url), **settings))
        try:
            await scenario(dependencies)
        finally:
            await dependencies.close()

    asyncio.run(run())


@asynccontextmanager
async def full_redis(dependencies: BotDependencies) -> AsyncIterator[None]:
    """Redis is at its memory limit."""
    client: Any = dependencies.client  # redis-py's types mix its two clients
    await client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        await client.config_set("maxmemory", 0)
