"""The service as those who bring photographs see it: ledger, picture store, doorbell, and the keeper that sweeps."""

import threading
from types import TracebackType
from typing import Self

from shared.broker.app import create_celery_app
from shared.broker.publisher import TaskPublisher
from shared.config.settings import Settings
from shared.ids import new_incarnation
from shared.image_store.store import ImageStore
from shared.ledger.ledger import Ledger
from shared.redis_client.client import create_client, display_address
from shared.redis_client.retry import RedisRetry
from shared.service.maintenance import MaintenanceThread


class ServiceClient:
    """Connections to the Redis of `config` for one life of a process; as a context manager it sweeps while it is open.

    `role` begins the name of its incarnation. A message holds at most `shard` ids.

    Raises `ValueError` for a URL that is none, and on entering `shared.redis_client.retry.RedisAccessDenied` or `ShutdownRequested`.
    """

    def __init__(self, config: Settings, *, role: str, shard: int, stop: threading.Event) -> None:
        self._client = create_client(config.ledger_url)
        self._images = create_client(config.store_url)
        self._app = create_celery_app(config.ledger_url)
        self.ledger = Ledger(self._client, RedisRetry(display_address(config.ledger_url), stop, self._client))
        self.store = ImageStore(
            self._images,
            RedisRetry(display_address(config.store_url), stop, self._images),
            budget=config.image_store_max_bytes,
            ttl_s=config.image_ttl_s,
        )
        self.publisher = TaskPublisher(self._app, shard=shard)
        self.incarnation = new_incarnation(role)
        self._maintenance = MaintenanceThread(self.ledger, self.publisher, config, incarnation=self.incarnation)

    def __enter__(self) -> Self:
        """Say that this process lives. Waits for a Redis that is away."""
        self._maintenance.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop sweeping and close the connections."""
        self._maintenance.stop()
        self._app.close()
        self._client.close()
        self._images.close()
