"""Order of outgoing messages. Those of one chat form a line: only the first of a line is sent, by whatever replica."""

from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from bot.storage import redis_keys
from shared.redis_client.retry import AsyncRedisRetry

_JOIN: Final = (Path(__file__).parents[2] / "scripts" / "join_line.lua").read_text(encoding="utf-8")

#: A line is kept longer than any message waits in it. Seconds.
_KEPT_S: Final = 2 * 3600


class MessageLines:
    """Lines of messages by name. The ledger holds the messages themselves.

    Every method waits while Redis is unavailable.
    """

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._join = client.register_script(f"#!lua flags=allow-oom\n{_JOIN}")

    async def join(self, line: str, id_: str, digest: str, *, allow_equal: bool = False) -> str | None:
        """Put a message at the end of a line, unless it is there. `digest` stands for its content.

        Returns:
            The id of an equal message in the line: then this one was not added. None if it is in the line now.
        """
        arguments: list[str | float] = [id_, digest, _KEPT_S, int(allow_equal)]
        keys = [redis_keys.message_line(line)]
        equal: bytes = await self._retry.call(lambda: self._join(keys=keys, args=arguments))
        return equal.decode() or None

    async def get_ids(self, line: str) -> list[str]:
        """Return the ids of the messages of a line, in order."""
        members = await self._retry.call(lambda: self._redis.zrange(redis_keys.message_line(line), 0, -1))
        return [member.decode().partition(":")[0] for member in members]

    async def remove(self, line: str, ids: list[str]) -> None:
        """Remove messages from a line: they were sent or dropped."""
        members = await self._retry.call(lambda: self._redis.zrange(redis_keys.message_line(line), 0, -1))
        removed = [member for member in members if member.decode().partition(":")[0] in ids]
        if removed:
            await self._retry.call(lambda: self._redis.zrem(redis_keys.message_line(line), *removed))
