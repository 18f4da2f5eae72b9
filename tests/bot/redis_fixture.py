"""The Redis side of a bot, for one scene."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import SecretStr

from bot.dependencies import BotDependencies
from shared.config.settings import Settings


def play(redis_url: str, scene: Callable[[BotDependencies], Awaitable[None]], **more: Any) -> None:
    """Run `scene` on the Redis at `redis_url`, with `more` settings."""

    async def run() -> None:
        dependencies = BotDependencies(Settings(redis_url=SecretStr(redis_url), **more))
        try:
            await scene(dependencies)
        finally:
            await dependencies.close()

    asyncio.run(run())
