"""Runs ledger calls from threads."""

from typing import TypeVar

from redis import Redis
from redis.commands.core import Script

from shared.ledger.script_call import KEY_PREFIX, ScriptCall, outbox_signal_key, script_source
from shared.redis_client.retry import RedisRetry

T = TypeVar("T")


class Ledger:
    """The ledger behind one Redis client. Safe to share between threads."""

    def __init__(self, client: "Redis", retry: RedisRetry) -> None:
        self._client = client
        self._retry = retry
        self._scripts: dict[str, Script] = {}

    def run(self, call: ScriptCall[T]) -> T:
        """Run `call` and decode its reply. Retries while Redis is unavailable.

        Raises:
            RedisAccessDenied: Redis refuses the user or password.
            ShutdownRequested: The process is to stop while Redis is unavailable.
            redis.exceptions.OutOfMemoryError: The call takes in work, and Redis is at its memory limit.
        """
        script = self._scripts.get(call.script)
        if script is None:
            script = self._scripts[call.script] = self._client.register_script(script_source(call.script))
        return call.decode_reply(self._retry.call(lambda: script(keys=[KEY_PREFIX], args=call.arguments)))

    def wait_for_outbox_change(self, outbox: str, timeout_s: float) -> bool:
        """Wait until `outbox` changes, at most `timeout_s`. Returns whether it did.

        The client's socket time-out must be longer than `timeout_s`.
        """
        signal = outbox_signal_key(outbox)
        return self._retry.call(lambda: self._client.blpop([signal], timeout=timeout_s)) is not None
