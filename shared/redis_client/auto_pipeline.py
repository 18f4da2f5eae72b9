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

    A command that is given during another one waits for it and shares a pipeline with all waiting commands. One
    write and one read of the socket then serve many commands; alone, they would cost more than the command itself.
    Commands of one coroutine keep their order. Only its caller gets the error of a command; if the connection
    breaks, every caller of the pipeline does.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._coalescer: AsyncCoalescer[Command, Any] = AsyncCoalescer(self._send, _MAX_COMMANDS)

    async def execute_command(self, *arguments: Any, **options: Any) -> Any:
        """Run one command. Raises what `Redis.execute_command` raises."""
        if arguments[0] in _BLOCKING:
            # redis-py leaves it untyped.
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
