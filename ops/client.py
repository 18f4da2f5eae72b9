"""Connects a command to the service: ledger, image store and task publisher.

The operator's process sends no heartbeat, and it fails at once while Redis is unavailable.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from redis.exceptions import RedisError

from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings
from shared.image_store.store import ImageStore
from shared.ledger.ledger import Ledger
from shared.redis_client.errors import describe_error
from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested
from shared.service.connections import ServiceConnections


class OpsError(Exception):
    """Raised when a command cannot do what was asked. The message says what is wrong, where, and what to do."""


@dataclass(frozen=True, slots=True)
class AdminClient:
    """Connections to one service."""

    config: Settings
    ledger: Ledger
    store: ImageStore
    publisher: TaskPublisher
    #: Raises unless a process could do its work with these connections, see `ServiceConnections.check`.
    check: Callable[[], None]


@contextmanager
def open_admin_client(config: Settings) -> Iterator[AdminClient]:
    """Open connections to the service of `config`.

    Raises:
        OpsError: Redis is unavailable or denies access, also later in the block.
        SettingsError: The ledger is of another release, or its Redis cannot be used.
    """
    # The event is set from the start, so that no call waits for Redis: an operator should see the error at once.
    no_retry = threading.Event()
    no_retry.set()
    connections = ServiceConnections(config, stop=no_retry)
    try:
        with connections:
            connections.check_ledger()
            yield AdminClient(
                config,
                connections.ledger,
                connections.store,
                connections.publisher,
                partial(connections.check, stores_images=True),
            )
    except (RedisAccessDenied, ShutdownRequested) as error:
        raise OpsError(str(error)) from error
    except RedisError as error:
        raise OpsError(f"Redis refuses a command ({describe_error(error)}).") from error
