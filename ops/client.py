"""The service as its operator sees it: ledger, picture store and doorbell; no heartbeat, no waiting for a Redis."""

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
    """Connections to the service of `config`. What Redis refuses or cannot do inside is raised as `OpsError`.

    Raises `LedgerVersionError` for a ledger of another release.
    """
    # An operator wants to know that Redis is away, not to wait until it is back.
    impatient = threading.Event()
    impatient.set()
    where = display_address(config.ledger_url)
    try:
        connections = ServiceConnections(config, shard=config.max_batch_size, stop=impatient)
    except ValueError as error:
        raise _not_an_address(error) from error
    try:
        with connections:
            connections.check_ledger()
            yield AdminClient(config, connections.ledger, connections.store, connections.publisher)
    except RedisAccessDenied as error:
        raise OpsError(str(error)) from error
    except (ShutdownRequested, RedisError) as error:
        cause = error.__cause__ or error
        raise OpsError(
            f"Redis at {where} does not answer ({cause}): is it running, and is REDIS_URL its address?"
        ) from error


@contextmanager
def open_redis(url: str) -> Iterator["Redis"]:
    """A client for `url`, closed at the end. Raises `OpsError` for a URL that is none."""
    try:
        client = create_client(url)
    except ValueError as error:
        raise _not_an_address(error) from error
    with client:
        yield client


def _not_an_address(error: ValueError) -> OpsError:
    return OpsError(f"REDIS_URL or MELANOMA_IMAGE_STORE_URL is not the address of a Redis: {error}.")
