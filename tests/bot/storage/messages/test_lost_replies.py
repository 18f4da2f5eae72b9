"""A reply of Telegram that one replica lost is known to all replicas, and to those that start later."""

import asyncio

from pydantic import SecretStr

from bot.dependencies import BotDependencies
from bot.storage import redis_keys
from shared.config.settings import Settings


def test_lost_reply_flag_is_shared_by_all_replicas_for_a_minute(redis_url: str) -> None:
    async def scenario() -> None:
        first, second = (BotDependencies(Settings(redis_url=SecretStr(redis_url))) for _ in range(2))
        assert not await second.lost_replies.is_recent()
        await first.lost_replies.mark()
        await first.close()
        assert await second.lost_replies.is_recent()
        assert 50 < await second.client.ttl(redis_keys.LOST_REPLY) <= 60
        await second.close()

    asyncio.run(scenario())
