"""The service as those who bring photographs see it: ledger, picture store, doorbell, and the keeper that sweeps."""

import threading
from types import TracebackType
from typing import Self

from shared.broker.app import celery_app
from shared.broker.publisher import Doorbell
from shared.config.settings import Settings
from shared.ids import new_incarnation
from shared.image_store.store import PictureStore
from shared.ledger.ledger import Ledger
from shared.redis_client.client import connect, place
from shared.redis_client.retry import Patience
from shared.service.maintenance import Keeper


class Connection:
    """Connections to the Redis of `config` for one life of a process; as a context manager it sweeps while it is open.

    `role` begins the name of its incarnation. A message holds at most `shard` ids.

    Raises `ValueError` for a URL that is none, and on entering `shared.redis_client.retry.StoreRefused` or `Stopped`.
    """

    def __init__(self, config: Settings, *, role: str, shard: int, stop: threading.Event) -> None:
        self._client = connect(config.ledger_url)
        self._pictures = connect(config.store_url)
        self._app = celery_app(config.ledger_url)
        self.ledger = Ledger(self._client, Patience(place(config.ledger_url), stop, self._client))
        self.store = PictureStore(
            self._pictures,
            Patience(place(config.store_url), stop, self._pictures),
            budget=config.picture_budget,
            ttl_s=config.picture_ttl_s,
        )
        self.doorbell = Doorbell(self._app, shard=shard)
        self.incarnation = new_incarnation(role)
        self._keeper = Keeper(self.ledger, self.doorbell, config, incarnation=self.incarnation)

    def __enter__(self) -> Self:
        """Say that this process lives. Waits for a Redis that is away."""
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop sweeping and close the connections."""
        self._keeper.stop()
        self._app.close()
        self._client.close()
        self._pictures.close()
