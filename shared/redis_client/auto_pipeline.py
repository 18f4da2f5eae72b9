"""Asynchronous Redis client that sends the commands of several coroutines in one pipeline."""

from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.coalescing.coroutines import AsyncCoalescer

#: Maximum number of commands in one pipeline. All of their replies are in memory at once.
_MAX_COMMANDS: Final = 128

#: Commands that wait at the server. They would delay the commands behind them in a pipeline.
_BLOCKING: Final = frozenset({"BLPOP"})

Command = tuple[tuple[Any, ...], dict[str, Any]]


class AutoPipeliningRedis(Redis):
    """A `Redis` for the coroutines of one event loop.

    While commands run, new ones wait and then share one pipeline. One write and one read of the socket serve all of
    them; for a single command both cost more than the command itself. Commands of one coroutine keep their order. The
    error of a command reaches only its caller; a broken connection is an error for every caller of the pipeline.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._coalescer: AsyncCoalescer[Command, Any] = AsyncCoalescer(self._send, _MAX_COMMANDS)

    async def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """Run one command. Raises what `Redis.execute_command` raises."""
        if arguments[0] in _BLOCKING:
            # redis-py leaves this method untyped.
            return await super().execute_command(*arguments, **options)  # type: ignore[no-untyped-call]
        reply = await self._coalescer.call((arguments, options))
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        async with self.pipeline(transaction=False) as pipeline:
            for arguments, options in commands:
                pipeline.execute_command(*arguments, **options)
            return await pipeline.execute(raise_on_error=False)
