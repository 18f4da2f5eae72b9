"""Runs ledger calls from coroutines."""

from typing import TypeVar

from redis.asyncio import Redis
from redis.commands.core import AsyncScript

from shared.ledger.script_call import KEY_PREFIX, ScriptCall, outbox_signal_key, script_source
from shared.redis_client.retry import AsyncRedisRetry

T = TypeVar("T")


class AsyncLedger:
    """The ledger behind one asynchronous Redis client, for the coroutines of one event loop."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._client = client
        self._retry = retry
        self._scripts: dict[str, AsyncScript] = {}

    async def run(self, call: ScriptCall[T]) -> T:
        """Run `call` and decode its reply. Raises what `Ledger.run` raises, but for `ShutdownRequested`."""
        script = self._scripts.get(call.script)
        if script is None:
            script = self._scripts[call.script] = self._client.register_script(script_source(call.script))
        return call.decode_reply(await self._retry.call(lambda: script(keys=[KEY_PREFIX], args=call.arguments)))

    async def wait_for_outbox_change(self, outbox: str, timeout_s: float) -> bool:
        """Wait until `outbox` changes, at most `timeout_s`. Returns whether it did."""
        signal = outbox_signal_key(outbox)

        async def wait() -> object:
            # redis-py's types mix its two clients.
            return await self._client.blpop([signal], timeout=timeout_s)  # type: ignore[misc]

        return await self._retry.call(wait) is not None
