"""Wires the Redis clients, retries, ledger, image store and task publisher of a process. No other module does."""

import threading
from typing import Self

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
from shared.redis_client.retry import AsyncRedisRetry, RedisRetry


class LedgerVersionError(SettingsError):
    """Raised at start when REDIS_URL names a ledger of another version. The message is one sentence."""


class ServiceConnections:
    """Connections of one process to the service of `config`. Nothing is sent before the first use.

    As a context manager it closes the connections.
    """

    def __init__(self, config: Settings, *, shard: int, stop: threading.Event | None = None) -> None:
        """Create the clients.

        Args:
            config: Names the Redis of the ledger and of the images, and the image store's budget.
            shard: Maximum number of job ids in one Celery message.
            stop: Ends every wait for an unavailable Redis with `ShutdownRequested`; without it waits have no end.

        Raises:
            ValueError: A URL is not the address of a Redis.
        """
        self._client = create_client(config.ledger_url)
        self._images = create_client(config.store_url)
        self._address = display_address(config.ledger_url)
        self.app = create_celery_app(config.ledger_url)
        self.ledger = Ledger(self._client, RedisRetry(self._address, stop, self._client))
        self.store = ImageStore(
            self._images,
            RedisRetry(display_address(config.store_url), stop, self._images, setting=config.store_setting),
            budget_bytes=config.image_store_max_bytes,
            ttl_s=config.image_ttl_s,
        )
        self.publisher = TaskPublisher(self.app, shard=shard)

    def check_ledger(self) -> None:
        """Wait until Redis is available and compare the ledger's version with ours.

        Raises:
            LedgerVersionError: The ledger belongs to another release.
            RedisAccessDenied: Redis refuses the user or password.
            ShutdownRequested: `stop` was set while Redis was unavailable.
        """
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
        """Create the clients; one client where ledger and images share a Redis. Raises `ValueError` as above."""
        self.client = create_async_client(config.ledger_url)
        self.retry = AsyncRedisRetry(display_address(config.ledger_url), self.client)
        self._images = self.client if config.store_url == config.ledger_url else create_async_client(config.store_url)
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
