"""The lease of the bot that uses this Redis. Two bots on one Redis would take each other's photographs."""

import asyncio
from typing import Any, Final

import structlog
from redis.asyncio import Redis

from shared.config.settings import SettingsError
from shared.contract.names import BOT_ID_KEY
from shared.redis_client.allowed_writes import AllowedWrites
from shared.redis_client.retry import AsyncRedisRetry

log = structlog.get_logger(__name__)

#: After this time another bot may use the Redis. Seconds.
_LEASE_S: Final = 30
_RENEWAL_INTERVAL_S: Final = 5.0


class BotLease:
    """A lease on the bot's keys that all replicas of one bot share."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._writes = AllowedWrites(client)
        self._bot_id = ""

    async def acquire(self, bot_id: int) -> None:
        """Take the lease or join it. Raises `SettingsError` if another bot holds it."""
        self._bot_id = str(bot_id)
        holder = await self._renew()
        if holder != self._bot_id:
            raise SettingsError(
                f"REDIS_URL is in use by another bot ({holder}), and two bots on one Redis would take each other's"
                f" photographs: give this bot ({self._bot_id}) a Redis of its own, with workers of its own; if it"
                f" replaces the other one, stop that and wait {_LEASE_S} seconds."
            )

    async def keep(self) -> None:
        """Renew the lease until cancelled. Does nothing before `acquire`."""
        while True:
            holder = await self._renew() if self._bot_id else ""
            if holder != self._bot_id:
                log.error("another bot uses this Redis, photographs may get lost: stop one of them", other=holder)
            await asyncio.sleep(_RENEWAL_INTERVAL_S)

    async def release(self) -> None:
        """Give the lease up, so that another bot may start at once. Replicas that still run take it again."""

        async def release() -> None:
            holder = await self._redis.get(BOT_ID_KEY)
            if holder is not None and holder.decode() == self._bot_id:
                await self._redis.delete(BOT_ID_KEY)

        await self._retry.call(release)

    async def _renew(self) -> str:
        """Renew the lease if it is free or ours, also where Redis is full. Returns the id of the bot that holds it."""

        async def renew() -> str:
            holder = await self._writes.run("SET", BOT_ID_KEY, self._bot_id, "NX", "GET", "EX", _LEASE_S)
            if holder is None or holder.decode() == self._bot_id:
                await self._redis.expire(BOT_ID_KEY, _LEASE_S)
                return self._bot_id
            return str(holder.decode())

        return await self._retry.call(renew)
