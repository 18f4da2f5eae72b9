"""What the bot's coroutines use of Redis: its clients, and what stands on them."""

from bot.storage.attempts import AttemptCounter
from bot.storage.lost_replies import LostReplyFlag
from bot.storage.statistics import AnswerStatistics
from bot.storage.status_messages import StatusMessages
from bot.storage.users import UserStore
from bot.telegram.rate_limiter import RateLimiter
from shared.config.overrides import SettingsOverrides
from shared.config.settings import Settings
from shared.service.connections import AsyncServiceConnections


class BotDependencies:
    """Everything of the bot's that lives in the ledger's Redis, and the pictures."""

    def __init__(self, settings: Settings) -> None:
        self._connections = AsyncServiceConnections(settings)
        self.client = self._connections.client
        self.retry = self._connections.retry
        self.ledger = self._connections.ledger
        self.store = self._connections.store
        self.limits = SettingsOverrides(settings)
        self.people = UserStore(self.client, self.retry, self.limits)
        self.pacer = RateLimiter(self.client, self.retry, self.limits)
        self.tries = AttemptCounter(self.client, self.retry)
        self.trouble = LostReplyFlag(self.client, self.retry)
        self.waiting = StatusMessages(self.client, self.retry)
        self.statistics = AnswerStatistics(self.client, self.retry)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()
