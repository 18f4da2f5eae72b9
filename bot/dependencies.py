"""What the bot's coroutines use of Redis: its clients, and what stands on them."""

from bot.storage.attempts import Tries
from bot.storage.lost_replies import Trouble
from bot.storage.statistics import Statistics
from bot.storage.status_messages import Waiting
from bot.storage.users import People
from bot.telegram.rate_limiter import Pacer
from shared.config.overrides import Limits
from shared.config.settings import Settings
from shared.image_store.async_store import AsyncPictureStore
from shared.ledger.async_ledger import AsyncLedger
from shared.redis_client.client import connect_async, place
from shared.redis_client.retry import AsyncPatience


class RedisSide:
    """Everything of the bot's that lives in the ledger's Redis, and the pictures."""

    def __init__(self, settings: Settings) -> None:
        self.client = connect_async(settings.ledger_url)
        self.patience = AsyncPatience(place(settings.ledger_url), self.client)
        self._pictures = self.client if settings.store_url == settings.ledger_url else connect_async(settings.store_url)
        self.store = AsyncPictureStore(
            self._pictures,
            AsyncPatience(place(settings.store_url), self._pictures),
            budget=settings.picture_budget,
            ttl_s=settings.picture_ttl_s,
        )
        self.ledger = AsyncLedger(self.client, self.patience)
        self.limits = Limits(settings)
        self.people = People(self.client, self.patience, self.limits)
        self.pacer = Pacer(self.client, self.patience, self.limits)
        self.tries = Tries(self.client, self.patience)
        self.trouble = Trouble(self.client, self.patience)
        self.waiting = Waiting(self.client, self.patience)
        self.statistics = Statistics(self.client, self.patience)

    async def close(self) -> None:
        """Close the connections."""
        await self._pictures.aclose()
        await self.client.aclose()
