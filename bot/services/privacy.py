"""Erases a user's data, and says for how long the record of an answer is kept."""

from bot.services.messenger import Messenger
from bot.services.status_removal import StatusRemoval
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import AlbumTarget, StatusTarget, get_status_target
from bot.storage.users import UserStore
from shared.config.settings import Settings
from shared.image_store.async_store import AsyncImageStore
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger


class PrivacyService:
    """Erases everything of a user but the allowance, which is kept under a keyed hash until the day ends.

    It waits while Redis is unavailable and can be repeated.
    """

    def __init__(
        self,
        ledger: AsyncLedger,
        store: AsyncImageStore,
        users: UserStore,
        messenger: Messenger,
        status_removal: StatusRemoval,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._users = users
        self._messenger = messenger
        self._status_removal = status_removal

    async def erase_user(self, user_id: int) -> None:
        """Delete the user's jobs, images, profile, and the messages that wait for the user."""
        # First the consent: no further photo is admitted.
        await self._users.erase_profile(user_id)
        # The record of a withdrawn job no longer names its album.
        targets: dict[StatusTarget, int] = {
            album: album.chat_id for album in await self._users.find_waiting_albums(user_id)
        }
        job_ids = await self._users.get_job_ids(user_id)
        targets |= await self._find_targets(job_ids)
        await self._ledger.run(transitions.delete(job_ids))
        await self._store.delete(job_ids)
        # A user's private chat has the user's id.
        await self._messenger.withdraw(user_id)
        await self._status_removal.remove_withdrawn(targets)
        albums = {album for album in targets if isinstance(album, AlbumTarget)}
        await self._users.erase_jobs(user_id, job_ids, albums)

    async def _find_targets(self, job_ids: list[str]) -> dict[StatusTarget, int]:
        """Return the targets of the status messages of jobs, with their chats."""
        jobs = await self._ledger.run(transitions.get_jobs(job_ids)) if job_ids else []
        origins = {
            id_: PhotoOrigin.model_validate_json(job.payload)
            for id_, job in zip(job_ids, jobs, strict=True)
            if job is not None and job.payload
        }
        return {get_status_target(id_, origin): origin.chat_id for id_, origin in origins.items()}


def retention_days(settings: Settings) -> int:
    """Return for how many days the record of an answer is kept; at least 1."""
    return max(1, round(settings.answer_retention_s / 86400))
