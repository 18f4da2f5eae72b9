"""A reply of Telegram's that one replica lost makes all of them careful, and those that start after it."""

import asyncio

from pydantic import SecretStr

from bot.dependencies import BotDependencies
from bot.storage import redis_keys
from shared.config.settings import Settings


def test_every_replica_knows_of_a_lost_reply_for_a_minute(redis_url: str) -> None:
    async def scene() -> None:
        one, other = (BotDependencies(Settings(redis_url=SecretStr(redis_url))) for _ in range(2))
        assert not await other.lost_replies.is_recent()
        await one.lost_replies.mark()
        await one.close()
        assert await other.lost_replies.is_recent()
        assert 50 < await other.client.ttl(redis_keys.LOST_REPLY) <= 60
        await other.close()

    asyncio.run(scene())
