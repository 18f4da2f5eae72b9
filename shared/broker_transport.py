"""kombu's Redis transport, made to outlive a lost connection under Celery's threads pool.

In kombu 5.7 a task that ends after its connection was lost acknowledges on a channel that has let go of its
connection. That raises `AttributeError`, which Celery takes for unrecoverable, and the worker ends. Closing such
a channel, which tries to put its messages back, does the same. Neither acknowledgement nor putting back matters
here: the ledger knows which jobs are done and rings again for those that are not.
"""

from typing import Any

from kombu.transport import redis
from redis.exceptions import ConnectionError  # noqa: A004 - redis' own, not the builtin


class Channel(redis.Channel):  # type: ignore[misc]
    """A channel that knows when its connection is gone."""

    do_restore = False

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Acknowledge; without a connection there is nobody to tell."""
        if self.connection is not None:
            super().basic_ack(delivery_tag, multiple)

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None:
            raise ConnectionError("the connection of this channel is gone")
        return super()._connparams(asynchronous)


class Transport(redis.Transport):  # type: ignore[misc]
    """The transport with that channel."""

    Channel = Channel
