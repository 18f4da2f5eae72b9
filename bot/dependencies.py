"""The Redis clients of the bot's coroutines, and the stores and limits on top of them."""

from bot.storage.admission import AdmissionControl
from bot.storage.attempts import AttemptCounter
from bot.storage.bot_lease import BotLease
from bot.storage.messages.lost_replies import LostReplyFlag
from bot.storage.messages.message_lines import MessageLines
from bot.storage.messages.unanswered_photos import UnansweredPhotos
from bot.storage.sent_images import SentImages
from bot.storage.statistics import AnswerStatistics
from bot.storage.status_messages import StatusMessages
from bot.storage.users import UserStore
from bot.telegram.rate_limiter import RateLimiter
from shared.config.overrides import SettingsOverrides
from shared.config.settings import Settings
from shared.service.connections import AsyncServiceConnections


class BotDependencies:
    """Stores and limits of the bot in the ledger's Redis, and the image store."""

    def __init__(self, settings: Settings) -> None:
        self._connections = AsyncServiceConnections(settings)
        self.client = self._connections.client
        self.retry = self._connections.retry
        self.ledger = self._connections.ledger
        self.store = self._connections.store
        self.overrides = SettingsOverrides(settings)
        self.bot_lease = BotLease(self.client, self.retry)
        self.users = UserStore(self.client, self.retry)
        self.admission = AdmissionControl(
            self.client, self.retry, self.overrides, answer_retention_s=settings.answer_retention_s
        )
        self.rate_limiter = RateLimiter(self.client, self.retry, self.overrides)
        self.attempts = AttemptCounter(self.client, self.retry)
        self.lost_replies = LostReplyFlag(self.client, self.retry)
        self.status_messages = StatusMessages(self.client, self.retry)
        self.message_lines = MessageLines(self.client, self.retry)
        self.unanswered = UnansweredPhotos(self.client, self.retry)
        self.sent_images = SentImages(self.client, self.retry)
        self.statistics = AnswerStatistics(self.client, self.retry)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()
