"""Connects a command to the service: ledger, image store and task publisher.

The operator's process sends no heartbeat, and it fails at once while Redis is unavailable.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from ops.errors import OpsError
from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings
from shared.image_store.store import ImageStore
from shared.ledger.ledger import Ledger
from shared.redis_client.client import create_client, display_address
from shared.redis_client.retry import RedisAccessDenied, ShutdownRequested
from shared.service.connections import ServiceConnections


@dataclass(frozen=True, slots=True)
class AdminClient:
    """Connections to one service."""

    config: Settings
    ledger: Ledger
    store: ImageStore
    publisher: TaskPublisher


@contextmanager
def open_admin_client(config: Settings) -> Iterator[AdminClient]:
    """Open connections to the service of `config`.

    Raises:
        OpsError: Redis is unavailable or denies access, also later in the block.
        LedgerVersionError: The ledger is of another release.
    """
    # The event is set from the start, so that no call waits for Redis: an operator should see the error at once.
    no_retry = threading.Event()
    no_retry.set()
    address = display_address(config.ledger_url)
    try:
        connections = ServiceConnections(config, shard=config.max_batch_size, stop=no_retry)
    except ValueError as error:
        raise _invalid_address(error) from error
    try:
        with connections:
            connections.check_ledger()
            yield AdminClient(config, connections.ledger, connections.store, connections.publisher)
    except RedisAccessDenied as error:
        raise OpsError(str(error)) from error
    except (ShutdownRequested, RedisError) as error:
        cause = error.__cause__ or error
        raise OpsError(
            f"Redis at {address} does not answer ({cause}): is it running, and is REDIS_URL its address?"
        ) from error


@contextmanager
def open_redis(url: str) -> Iterator[Redis]:
    """Open a client for `url` and close it at the end. Raises `OpsError` for an invalid URL."""
    try:
        client = create_client(url)
    except ValueError as error:
        raise _invalid_address(error) from error
    with client:
        yield client


def _invalid_address(error: ValueError) -> OpsError:
    return OpsError(f"REDIS_URL or MELANOMA_IMAGE_STORE_URL is not the address of a Redis: {error}.")
