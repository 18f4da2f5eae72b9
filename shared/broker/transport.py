"""kombu's Redis transport. It also survives lost connections and a full Redis, costs less, and can hold a queue back.

*Messages are not restored.* When a connection is lost, kombu 5.7 closes a channel that has already released its
connection and tries to restore the channel's messages through it. That raises `AttributeError`, which Celery treats as
unrecoverable, and the worker exits. The ledger knows which jobs are not done, and their messages are published again.

*One client for each pool.* kombu creates a new `redis.Redis` for every command, which with redis-py 7 takes longer than
the command: about a fifth of the time in which a busy worker held the interpreter's lock, by py-spy.

*A queue may be held back.* While the order of queues omits the bulk queue, a wait for a message ends after 50 ms, and
the order is evaluated again. kombu would wait a second.

*Nothing is refused at Redis' memory limit.* There Redis refuses LPUSH and SADD. A message is therefore published by a
script that Redis allows: it stands for jobs that were accepted before, and the ledger accepts no others. kombu also
stores which queue is bound to which exchange, at each start and after each lost connection. Celery treats a refusal as
unrecoverable. Nobody reads these bindings: our messages name their queue, and the commands of Flower are broadcast. So
none is stored.

*A refused write is an empty queue.* While its disk is full, Redis refuses to deliver messages, too. Celery treats that
error as unrecoverable.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any, Final

from kombu.transport import redis
from kombu.utils.json import dumps
from redis.exceptions import ResponseError

from shared.redis_client.client import is_write_refused

#: Maximum wait for a message while a queue is held back, in seconds.
_HELD_BACK_TIMEOUT_S: Final = 0.05

#: Pause before a Redis that cannot write is asked again, in seconds.
_WRITE_REFUSED_PAUSE_S: Final = 0.5

#: Publishes a message even if Redis is at its memory limit.
_PUBLISH: Final = "#!lua flags=allow-oom\nreturn redis.call('LPUSH', KEYS[1], ARGV[1])"


@contextmanager
def _empty_if_write_refused() -> Iterator[None]:
    """Treat a refused write as an empty queue."""
    try:
        yield
    except ResponseError as error:
        if not is_write_refused(error):
            raise
        time.sleep(_WRITE_REFUSED_PAUSE_S)
        raise Empty from error


class Channel(redis.Channel):  # type: ignore[misc]
    """A channel that restores no messages, stores no bindings, publishes to a full Redis and keeps its client."""

    do_restore = False

    _client_of_pool: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous)
        if self._client_of_pool is None or self._client_of_pool.connection_pool is not self.pool:
            self._client_of_pool = super()._create_client()
        return self._client_of_pool

    def _put(self, queue: str, message: Any, **_: Any) -> None:
        key = self._q_for_pri(queue, self._get_message_priority(message, reverse=False))
        with self.conn_or_acquire() as client:
            client.eval(_PUBLISH, 1, key, dumps(message))

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:  # noqa: ARG002 - kombu names them
        if self.typeof(exchange).type == "fanout":
            self._fanout_queues[queue] = (exchange, routing_key.replace("#", "*"))

    def maybe_refresh_binding_expiry(self) -> None:
        """Do nothing: no binding is stored."""

    def _brpop_start(self, timeout: float | None = None) -> None:
        if getattr(self._queue_cycle, "is_bulk_at_limit", False):
            timeout = _HELD_BACK_TIMEOUT_S
        try:
            with _empty_if_write_refused():
                super()._brpop_start(timeout)
        except Empty:
            # Redis refused redis-py's check of the connection, so the command was not sent.
            self._in_poll = None

    def _brpop_read(self, **options: Any) -> Any:
        with _empty_if_write_refused():
            return super()._brpop_read(**options)

    def _receive_one(self, client: Any) -> Any:
        with _empty_if_write_refused():
            return super()._receive_one(client)


class Transport(redis.Transport):  # type: ignore[misc]
    """kombu's Redis transport with the channel above."""

    Channel = Channel


class SentinelChannel(Channel, redis.SentinelChannel):  # type: ignore[misc]
    """The channel above, on a Redis that Sentinels watch."""


class SentinelTransport(redis.SentinelTransport):  # type: ignore[misc]
    """kombu's Sentinel transport with the channel above."""

    Channel = SentinelChannel
