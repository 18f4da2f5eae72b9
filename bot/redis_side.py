"""What the bot's coroutines use of Redis: one client, and what stands on it."""

from bot.loops.tries import Tries
from bot.loops.waiting import Waiting
from bot.pacing import Pacer
from bot.people import People
from bot.statistics import Statistics
from shared.ledger.async_ledger import AsyncLedger
from shared.patience import AsyncPatience
from shared.redis_client import connect_async, place
from shared.settings import Settings


class RedisSide:
    """Everything of the bot's that lives in the ledger's Redis."""

    def __init__(self, settings: Settings) -> None:
        self.client = connect_async(settings.ledger_url)
        self.patience = AsyncPatience(place(settings.ledger_url))
        self.ledger = AsyncLedger(self.client, self.patience)
        self.people = People(self.client, self.patience, settings)
        self.pacer = Pacer(self.client, self.patience, settings)
        self.tries = Tries(self.client, self.patience)
        self.waiting = Waiting(self.client, self.patience)
        self.statistics = Statistics(self.client, self.patience)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()
