"""kombu's Redis transport, changed so that it outlives a lost connection, costs less, and can hold a queue back.

*Nothing is put back.* When a connection is lost, kombu 5.7 closes a channel that has let go of its connection already
and tries to put its messages back through it. That raises `AttributeError`, which Celery takes for unrecoverable, and
the worker ends. The ledger knows which jobs are not done and rings again for those.

*One client for each pool.* For every command kombu makes a new `redis.Redis`, which with redis-py 7 takes longer than
the command: about a fifth of the time in which a busy worker held the interpreter's lock, by py-spy.

*A queue may be held back.* Where the order of queues leaves one out for now, the wait for a message ends soon and the
order is asked again; kombu would wait a second.

*A Redis that cannot write is waited for.* While its disk is full it refuses to hand out messages, too, which Celery
takes for unrecoverable.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any, Final

from kombu.transport import redis
from redis.exceptions import ResponseError

from shared.redis_client.client import is_write_refused

#: Longest wait for a message while a queue is held back, in seconds.
_HELD_BACK_TIMEOUT_S: Final = 0.05

#: Pause before a Redis that cannot write is asked again, in seconds. There is nothing else to do meanwhile.
_WRITE_REFUSED_PAUSE_S: Final = 0.5


@contextmanager
def _empty_if_write_refused() -> Iterator[None]:
    """What Redis refuses for that reason counts as no message."""
    try:
        yield
    except ResponseError as error:
        if not is_write_refused(error):
            raise
        time.sleep(_WRITE_REFUSED_PAUSE_S)
        raise Empty from error


class Channel(redis.Channel):  # type: ignore[misc]
    """A channel that puts nothing back and keeps its client."""

    do_restore = False

    _client_of_pool: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous)
        if self._client_of_pool is None or self._client_of_pool.connection_pool is not self.pool:
            self._client_of_pool = super()._create_client()
        return self._client_of_pool

    def _brpop_start(self, timeout: float | None = None) -> None:
        if getattr(self._queue_cycle, "holding_back", False):
            timeout = _HELD_BACK_TIMEOUT_S
        try:
            with _empty_if_write_refused():
                super()._brpop_start(timeout)
        except Empty:
            # Not even asked: redis-py looked first whether the connection lives.
            self._in_poll = None

    def _brpop_read(self, **options: Any) -> Any:
        with _empty_if_write_refused():
            return super()._brpop_read(**options)

    def _receive_one(self, client: Any) -> Any:
        with _empty_if_write_refused():
            return super()._receive_one(client)


class Transport(redis.Transport):  # type: ignore[misc]
    """The transport with that channel."""

    Channel = Channel


class SentinelChannel(Channel, redis.SentinelChannel):  # type: ignore[misc]
    """That channel on a Redis that SentinelAddress look after."""


class SentinelTransport(redis.SentinelTransport):  # type: ignore[misc]
    """The transport with that channel."""

    Channel = SentinelChannel
