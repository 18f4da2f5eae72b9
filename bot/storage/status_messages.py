"""What a waiting person was told: at most one message a photograph, which becomes its answer."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from bot.storage import redis_keys
from shared.redis_client.retry import AsyncRedisRetry

#: One that sends the message says so first, and is believed for so long. Seconds.
_SENDING_S: Final = 10
_KEPT_S: Final = 24 * 3600

_SENDING: Final = b"sending"
_ANSWERING: Final = b"answering"


class StatusMessages:
    """The message about each waiting job (or album), so that none is left behind when its answer comes."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py types one method for both of its clients
        self._retry = retry

    async def reserve(self, name: str) -> bool:
        """Whether this caller is to send the message: True once, until `sent` or `not_sent`."""
        return bool(
            await self._retry.call(
                lambda: self._redis.set(redis_keys.status_message(name), _SENDING, nx=True, ex=_SENDING_S)
            )
        )

    async def record(self, name: str, message: int) -> None:
        """The message that was sent."""
        await self._retry.call(lambda: self._redis.set(redis_keys.status_message(name), message, ex=_KEPT_S))

    async def release(self, name: str) -> None:
        """It was not; someone may begin again."""
        await self._retry.call(lambda: self._redis.delete(redis_keys.status_message(name)))

    async def get(self, name: str) -> int | None:
        """The message that was sent, if there is one and the answer has not begun."""
        return _number(await self._retry.call(lambda: self._redis.get(redis_keys.status_message(name))))

    async def take_over(self, name: str) -> int | None:
        """The answer begins: no message will be sent any more; returns the one that was, to become the answer.

        Where Redis is full a message may still be sent; the answer, which makes room, does not wait for that.
        """
        while True:
            try:
                found = await self._retry.call(
                    lambda: self._redis.set(redis_keys.status_message(name), _ANSWERING, nx=True, get=True, ex=_KEPT_S)
                )
            except OutOfMemoryError:
                found = await self._retry.call(lambda: self._redis.get(redis_keys.status_message(name)))
            if found != _SENDING:
                return _number(found)
            await asyncio.sleep(0.05)

    async def clear(self, names: Sequence[str]) -> None:
        """Nobody waits for these any more."""
        if not names:
            return
        gone = [key for name in names for key in (redis_keys.status_message(name), redis_keys.attempts(name))]
        await asyncio.gather(
            self._retry.call(lambda: self._redis.delete(*gone)),
            self._retry.call(lambda: self._redis.zrem(redis_keys.STATUS_UPDATES, *names)),
        )


def _number(found: bytes | None) -> int | None:
    return int(found) if found is not None and found.isdigit() else None
