"""kombu's Redis transport, which survives more faults, costs less, and can hold a queue back.

*Messages are not restored.* When a connection is lost, kombu 5.7 closes a channel that has already released its
connection and tries to restore the channel's messages through it. That raises `AttributeError`, which Celery treats as
unrecoverable, and the worker exits. The ledger knows which jobs are not done, and their messages are published again.

*One client for each pool.* kombu creates a new `redis.Redis` for every command, which with redis-py 7 takes longer than
the command: about a fifth of the time in which a busy worker held the interpreter's lock, by py-spy.

*A queue may be held back.* While the order of queues omits a queue, a wait for a message ends after 50 ms, and
the order is evaluated again. kombu would wait a second.

*Nothing is refused at Redis' memory limit.* There Redis refuses LPUSH and SADD. A message is therefore published by a
script that Redis allows: it stands for jobs that were accepted before, and the ledger accepts no others. kombu also
stores which queue is bound to which exchange, at each start and after each lost connection. Celery treats a refusal as
unrecoverable. Nobody reads these bindings: our messages name their queue, and the commands of Flower are broadcast. So
none is stored.

*A refusal for now is a lost connection.* Redis refuses to deliver messages while its disk is full, while replicas are
missing, and when it becomes a replica. Celery reconnects after errors of connections, and treats any other error as
unrecoverable.
"""

from typing import Any, Final

from kombu.transport import redis
from kombu.utils.json import dumps
from redis.exceptions import ResponseError

from shared.redis_client.errors import ErrorKind, RefusedForNow, classify_error

#: Maximum wait for a message while a queue is held back, in seconds.
_HELD_BACK_TIMEOUT_S: Final = 0.05

#: Publishes a message even if Redis is at its memory limit.
_PUBLISH: Final = "#!lua flags=allow-oom\nreturn redis.call('LPUSH', KEYS[1], ARGV[1])"


def _raising_connection_errors(connection_class: Any) -> Any:
    """Return a subclass that raises an error of the connection when Redis refuses a command for now."""

    class Connection(connection_class):  # type: ignore[misc]
        def read_response(self, *arguments: Any, **options: Any) -> Any:
            try:
                return super().read_response(*arguments, **options)
            except ResponseError as error:
                if classify_error(error) is not ErrorKind.UNAVAILABLE:
                    raise
                # In a pipeline the replies of later commands are still to come.
                self.disconnect()
                raise RefusedForNow(error) from error

    return Connection


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

    def _queue_bind(self, exchange: str, routing_key: str, _pattern: str, queue: str) -> None:
        if self.typeof(exchange).type == "fanout":
            self._fanout_queues[queue] = (exchange, routing_key.replace("#", "*"))

    def maybe_refresh_binding_expiry(self) -> None:
        """Do nothing: no binding is stored."""

    def _connparams(self, asynchronous: bool = False) -> Any:
        parameters = super()._connparams(asynchronous)
        parameters["connection_class"] = _raising_connection_errors(parameters["connection_class"])
        return parameters

    def _brpop_start(self, timeout: float | None = None) -> None:
        if getattr(self._queue_cycle, "is_held_back", False):
            timeout = _HELD_BACK_TIMEOUT_S
        super()._brpop_start(timeout)


class Transport(redis.Transport):  # type: ignore[misc]
    """kombu's Redis transport with the channel above."""

    Channel = Channel


class SentinelChannel(Channel, redis.SentinelChannel):  # type: ignore[misc]
    """The channel above, on a Redis that Sentinels watch."""


class SentinelTransport(redis.SentinelTransport):  # type: ignore[misc]
    """kombu's Sentinel transport with the channel above."""

    Channel = SentinelChannel
