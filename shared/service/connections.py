"""Wires the Redis clients, retries, ledger, image store and task publisher of a process. No other module does."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Final, Self, TypeVar

from redis.exceptions import OutOfMemoryError, RedisError

from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings, SettingsError
from shared.contract.names import LEDGER_VERSION
from shared.image_store.async_store import AsyncImageStore
from shared.image_store.store import ImageStore
from shared.ledger import admin
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.ledger import Ledger
from shared.redis_client.client import create_async_client, create_client, display_address
from shared.redis_client.errors import is_from_cluster
from shared.redis_client.retry import AsyncRedisRetry, RedisRetry

Client = TypeVar("Client")

#: The image that a process stores, reads and deletes at its start.
_CHECK_ID: Final = "check"


class LedgerVersionError(SettingsError):
    """Raised at start when REDIS_URL names a ledger of another version. The message is one sentence."""


class RedisUnsuitable(SettingsError):
    """Raised at start when a setting names no Redis, or one that the service cannot use. The text is one sentence."""


class ServiceConnections:
    """Connections of one process to the service of `config`. Nothing is sent before the first use.

    As a context manager it closes the connections.
    """

    def __init__(self, config: Settings, *, stop: threading.Event | None = None) -> None:
        """Create the clients.

        Args:
            config: Names the Redis of the ledger and of the images, and the image store's budget.
            stop: Ends every wait for an unavailable Redis with `ShutdownRequested`; without it waits have no end.

        Raises:
            RedisUnsuitable: A URL is not the address of a Redis.
        """
        self._client = _open(create_client, config.ledger_url, "REDIS_URL")
        self._images = _open(create_client, config.store_url, config.store_setting)
        self._store_setting = config.store_setting
        self._store_address = display_address(config.store_url)
        self._address = display_address(config.ledger_url)
        self.app = create_celery_app(config.ledger_url)
        self.ledger = Ledger(self._client, RedisRetry(self._address, stop, self._client))
        self.store = ImageStore(
            self._images,
            RedisRetry(self._store_address, stop, self._images, setting=config.store_setting),
            budget_bytes=config.image_store_max_bytes,
            ttl_s=config.image_ttl_s,
        )
        self.publisher = TaskPublisher(self.app)

    def check(self, *, stores_images: bool) -> None:
        """Wait until both Redis are available, and make sure that the process can use them.

        Args:
            stores_images: Whether the process also writes images. Otherwise it only reads them.

        Raises:
            LedgerVersionError: The ledger belongs to another release.
            RedisAccessDenied: Redis refuses the user or password, or what the process needs.
            RedisUnsuitable: Redis is a node of a Redis Cluster.
            ShutdownRequested: `stop` was set while Redis was unavailable.
        """
        self.check_ledger()
        with _cluster_refused(self._store_address, self._store_setting):
            self.store.get([_CHECK_ID])
            if stores_images:
                # A full store is another matter, which passes.
                with contextlib.suppress(OutOfMemoryError):
                    self.store.put({_CHECK_ID: b""})
                self.store.delete([_CHECK_ID])

    def check_ledger(self) -> None:
        """Wait until the ledger's Redis is available and compare the ledger's version with ours. Raises as above."""
        with _cluster_refused(self._address, "REDIS_URL"):
            version = self.ledger.run(admin.get_version())
        if version != LEDGER_VERSION:
            raise LedgerVersionError(
                f"the ledger in Redis at {self._address} has version {version}, but this release needs version"
                f" {LEDGER_VERSION}: run all processes from one release; docs/operations.md says how to upgrade."
            )

    def __enter__(self) -> Self:
        """Return the connections themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.app.close()
        self._client.close()
        self._images.close()


class AsyncServiceConnections:
    """Connections for the coroutines of one event loop, without a publisher.

    Only the bot uses them. Its `ServiceClient` checks the ledger's version.
    """

    def __init__(self, config: Settings) -> None:
        """Create the clients; one client where ledger and images share a Redis. Raises `RedisUnsuitable` as above."""
        self.client = _open(create_async_client, config.ledger_url, "REDIS_URL")
        self.retry = AsyncRedisRetry(display_address(config.ledger_url), self.client)
        self._images = (
            self.client
            if config.store_url == config.ledger_url
            else _open(create_async_client, config.store_url, config.store_setting)
        )
        self.ledger = AsyncLedger(self.client, self.retry)
        self.store = AsyncImageStore(
            self._images,
            AsyncRedisRetry(display_address(config.store_url), self._images, setting=config.store_setting),
            budget_bytes=config.image_store_max_bytes,
            ttl_s=config.image_ttl_s,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._images.aclose()
        await self.client.aclose()


def _open(create: Callable[[str], Client], url: str, setting: str) -> Client:
    try:
        return create(url)
    except ValueError as error:
        raise RedisUnsuitable(f"setting {setting} is not the address of a Redis: {error}.") from error


@contextlib.contextmanager
def _cluster_refused(address: str, setting: str) -> Iterator[None]:
    """Raise `RedisUnsuitable` where a node of a Redis Cluster refuses a script."""
    try:
        yield
    except RedisError as error:
        if not is_from_cluster(error):
            raise
        raise RedisUnsuitable(
            f"Redis at {address} belongs to a Redis Cluster, which is not supported: let {setting} name a single Redis"
            " or Valkey, or Sentinels; docs/operations.md lists what is supported."
        ) from error
