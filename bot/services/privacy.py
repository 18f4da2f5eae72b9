"""Erases a user's data, and says for how long the record of an answer is kept."""

from bot.storage.users import UserStore
from shared.config.settings import Settings
from shared.image_store.async_store import AsyncImageStore
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger


class PrivacyService:
    """Erases everything of a user. It waits while Redis is unavailable and can be repeated."""

    def __init__(self, ledger: AsyncLedger, store: AsyncImageStore, users: UserStore) -> None:
        self._ledger = ledger
        self._store = store
        self._users = users

    async def erase_user(self, user_id: int) -> None:
        """Delete the user's jobs, images and profile."""
        job_ids = await self._users.get_job_ids(user_id)
        await self._ledger.run(transitions.delete(job_ids))
        await self._store.delete(job_ids)
        await self._users.erase(user_id, job_ids)


def retention_days(settings: Settings) -> int:
    """Return for how many days the record of an answer is kept; at least 1."""
    return max(1, round(settings.answer_retention_s / 86400))
