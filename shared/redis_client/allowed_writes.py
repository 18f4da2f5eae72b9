"""Writes that Redis takes even at its memory limit, where it would deny the command itself."""

from typing import Any, Final

from redis.asyncio import Redis

#: Runs the command ARGV[1] on KEYS[1]. The flag is what allows it.
_RUN: Final = "#!lua flags=allow-oom\nreturn redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))"


class AllowedWrites:
    """Runs commands that write one small key before an answer is sent. The answer then frees more than they take."""

    def __init__(self, client: "Redis") -> None:
        self._run = client.register_script(_RUN)

    async def run(self, command: str, key: str, *arguments: str | int | bytes) -> Any:
        """Run a command on a key; returns its reply as Redis sends it. Raises the errors of Redis."""
        return await self._run(keys=[key], args=[command, *arguments])
