"""An asynchronous Redis client whose commands, given by several coroutines at the same time, go out together."""

from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.coalescing.coroutines import AsyncCoalescer

#: Most commands of one pipeline: the replies to all of them are in memory at once.
_MAX_COMMANDS: Final = 128

#: These wait at the server and would hold up what comes behind them.
_BLOCKING: Final = frozenset({"BLPOP"})

Command = tuple[tuple[Any, ...], dict[str, Any]]


class AutoPipeliningRedis(Redis):
    """A `Redis` for the coroutines of one event loop.

    A command that is given while another is under way waits for it and shares a pipeline with all that wait: a
    write and a read of the socket for many, where each would cost more than the command. Commands of one coroutine
    keep their order. What Redis says to one of them only its caller gets; a connection that breaks, all of them.
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
