"""What the bot's coroutines use of Redis: the clients, and the stores and limits on top of them."""

from bot.storage.admission import AdmissionControl
from bot.storage.attempts import AttemptCounter
from bot.storage.lost_replies import LostReplyFlag
from bot.storage.statistics import AnswerStatistics
from bot.storage.status_messages import StatusMessages
from bot.storage.users import UserStore
from bot.telegram.rate_limiter import RateLimiter
from shared.config.overrides import SettingsOverrides
from shared.config.settings import Settings
from shared.image_store.async_store import AsyncImageStore
from shared.ledger.async_ledger import AsyncLedger
from shared.redis_client.client import create_async_client, display_address
from shared.redis_client.retry import AsyncRedisRetry


class BotDependencies:
    """Everything of the bot that lives in the ledger's Redis, and the image store."""

    def __init__(self, settings: Settings) -> None:
        self.client = create_async_client(settings.ledger_url)
        self.retry = AsyncRedisRetry(display_address(settings.ledger_url), self.client)
        self._images = (
            self.client if settings.store_url == settings.ledger_url else create_async_client(settings.store_url)
        )
        self.store = AsyncImageStore(
            self._images,
            AsyncRedisRetry(display_address(settings.store_url), self._images),
            budget=settings.image_store_max_bytes,
            ttl_s=settings.image_ttl_s,
        )
        self.ledger = AsyncLedger(self.client, self.retry)
        self.overrides = SettingsOverrides(settings)
        self.users = UserStore(self.client, self.retry)
        self.admission = AdmissionControl(self.client, self.retry, self.overrides)
        self.rate_limiter = RateLimiter(self.client, self.retry, self.overrides)
        self.attempts = AttemptCounter(self.client, self.retry)
        self.lost_replies = LostReplyFlag(self.client, self.retry)
        self.status_messages = StatusMessages(self.client, self.retry)
        self.statistics = AnswerStatistics(self.client, self.retry)

    async def close(self) -> None:
        """Close the connections."""
        await self._images.aclose()
        await self.client.aclose()
