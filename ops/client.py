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
from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings
from shared.image_store.store import ImageStore
from shared.ledger.ledger import Ledger
from shared.redis_client.client import create_client, display_address
from shared.redis_client.retry import RedisAccessDenied, RedisRetry, ShutdownRequested


@dataclass(frozen=True, slots=True)
class AdminClient:
    """Connections to one service."""

    config: Settings
    ledger: Ledger
    store: ImageStore
    publisher: TaskPublisher


@contextmanager
def open_admin_client(config: Settings) -> Iterator[AdminClient]:
    """Open connections to the service of `config`. Redis errors in the block are raised as `OpsError`."""
    # A retry that is stopped from the start: an operator wants to see an error, not to wait until Redis is back.
    no_retry = threading.Event()
    no_retry.set()
    where = display_address(config.ledger_url)
    with open_redis(config.ledger_url) as ledger, open_redis(config.store_url) as images:
        app = create_celery_app(config.ledger_url)
        try:
            yield AdminClient(
                config,
                Ledger(ledger, RedisRetry(where, no_retry)),
                ImageStore(
                    images,
                    RedisRetry(display_address(config.store_url), no_retry),
                    budget=config.image_store_max_bytes,
                    ttl_s=config.image_ttl_s,
                ),
                TaskPublisher(app, shard=config.max_batch_size),
            )
        except RedisAccessDenied as error:
            raise OpsError(str(error)) from error
        except (ShutdownRequested, RedisError) as error:
            cause = error.__cause__ or error
            raise OpsError(
                f"Redis at {where} does not answer ({cause}): is it running, and is REDIS_URL its address?"
            ) from error
        finally:
            app.close()


@contextmanager
def open_redis(url: str) -> Iterator[Redis]:
    """Open a client for `url` and close it at the end. Raises `OpsError` for an invalid URL."""
    try:
        client = create_client(url)
    except ValueError as error:
        raise OpsError(f"REDIS_URL or MELANOMA_IMAGE_STORE_URL is not the address of a Redis: {error}.") from error
    with client:
        yield client
