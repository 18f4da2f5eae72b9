"""Submits photos as jobs and withdraws them. The service writes to the ledger and sends nothing."""

import math
from collections.abc import Callable
from typing import Final

from bot.services.messenger import Messenger
from bot.services.photo_overflow import PhotoOverflow, make_notice
from bot.services.status_removal import StatusRemoval
from bot.services.wait_estimate import WaitEstimator
from bot.storage import redis_keys
from bot.storage.admission import Admission, AdmissionControl, AdmissionResult
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import get_status_target
from bot.storage.users import UserStore, hash_user
from bot.telegram.photo import PhotoFile
from shared.config.overrides import SettingsOverrides
from shared.contract.names import Queue, Stage
from shared.ids import job_id
from shared.image_store.async_store import AsyncImageStore
from shared.images.limits import DECODE_LIMITS
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import JobView, NewJob

#: A cancelled job is remembered for as long as Telegram may repeat its update. Seconds.
_CANCELLED_RETENTION_S: Final = 24 * 3600

_FINISHED: Final = (Stage.ANSWERED, Stage.CANCELLED)


class SubmissionService:
    """Submits and withdraws photos. Every method waits while Redis is unavailable and can be repeated.

    `key` is the secret of the job ids. Only someone who knows it can tell whose photo an id belongs to.
    """

    def __init__(
        self,
        *,
        ledger: AsyncLedger,
        store: AsyncImageStore,
        users: UserStore,
        admission: AdmissionControl,
        messenger: Messenger,
        status_removal: StatusRemoval,
        overflow: PhotoOverflow,
        wait_estimator: WaitEstimator,
        overrides: SettingsOverrides,
        key: bytes,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._users = users
        self._admission = admission
        self._messenger = messenger
        self._status_removal = status_removal
        self._overflow = overflow
        self._wait_estimator = wait_estimator
        self._overrides = overrides
        self._key = key

    async def submit(
        self, photo: PhotoFile, origin: PhotoOrigin, language_code: str | None, *, request_id: int = 0
    ) -> None:
        """Create a job for a photo, or let the user get a notice why there is none.

        `request_id` is the id of the message that asks about a photo in a group.
        """
        id_ = self._get_job_id(photo, origin, request_id)
        result = await self._admit(id_, origin, language_code, self._find_rejection(photo))
        if result.admission in (Admission.TOO_FAST, Admission.DAILY_LIMIT) and not origin.is_group:
            self._overflow.close(origin, result)
        if result.admission is not Admission.ADMITTED and result.burst_began:
            await self._messenger.enqueue_notice(origin.chat_id, origin.thread_id, make_notice(origin.user_id, result))

    async def resubmit(self, photo: PhotoFile, origin: PhotoOrigin, language_code: str | None) -> None:
        """Submit the photo of an edited message. The photo that it replaces is withdrawn: its answer would mislead."""
        new_id, message = self._get_job_id(photo, origin), (origin.chat_id, origin.message_id)
        await self._withdraw(
            origin.user_id, lambda id_, old: (old.chat_id, old.message_id) == message and id_ != new_id
        )
        await self.submit(photo, origin, language_code)

    async def submit_pending_photos(self, user_id: int, language_code: str | None) -> int:
        """Create jobs for the photos that the user sent before consent; returns how many photos there were."""
        photos = await self._admission.get_pending_photos(user_id)
        for id_, origin in photos.items():
            await self._admit(id_, origin, language_code)
        await self._admission.remove_pending_photos(user_id, photos)
        return len(photos)

    async def get_job(self, id_: str) -> JobView | None:
        """Return the current state of a job; None if the ledger does not know it."""
        return (await self._ledger.run(transitions.get_jobs([id_])))[0]

    async def get_origin(self, id_: str) -> PhotoOrigin | None:
        """Return where the photo of a job came from; None if that is not kept any more."""
        job = await self.get_job(id_)
        return PhotoOrigin.model_validate_json(job.payload) if job is not None and job.payload else None

    async def withdraw(self, user_id: int, *, sent_before: float = math.inf) -> int:
        """Withdraw the user's photos that are not finished, also those that wait for consent; returns how many.

        Jobs that were created after `sent_before` (Unix time, seconds) stay.
        """
        return await self._withdraw(user_id, lambda _id, _origin: True, sent_before=sent_before)

    def _get_job_id(self, photo: PhotoFile, origin: PhotoOrigin, request_id: int = 0) -> str:
        # In a group several users may ask about the same photo, and a user again after the photo was withdrawn.
        request = [str(origin.user_id), str(request_id)] if origin.is_group else []
        return job_id(self._key, str(origin.chat_id), str(origin.message_id), photo.unique_id, *request)

    def _find_rejection(self, photo: PhotoFile) -> Admission | None:
        if photo.size_bytes > DECODE_LIMITS.max_bytes:
            return Admission.TOO_LARGE
        wait_s = self._wait_estimator.wait_s()
        if wait_s is not None and wait_s > self._overrides.current.max_expected_wait_s:
            return Admission.SERVICE_BUSY
        return None

    async def _admit(
        self, id_: str, origin: PhotoOrigin, language_code: str | None, rejection: Admission | None = None
    ) -> AdmissionResult:
        user_hash = hash_user(self._key, origin.user_id)
        result = await self._admission.admit(id_, origin, language_code, user_hash=user_hash, rejection=rejection)
        if result.admission is Admission.ADMITTED:
            await self._ledger.run(
                transitions.create_jobs(
                    [NewJob(id_, origin.model_dump_json())],
                    queue=Queue.INTERACTIVE,
                    outbox=redis_keys.PHOTO_OUTBOX,
                    language=result.language,
                    deadline_s=self._overrides.current.interactive_deadline_s,
                    stored=False,
                )
            )
        return result

    async def _withdraw(
        self, user_id: int, is_meant: Callable[[str, PhotoOrigin], bool], *, sent_before: float = math.inf
    ) -> int:
        pending = await self._admission.get_pending_photos(user_id)
        pending = {id_: origin for id_, origin in pending.items() if is_meant(id_, origin)}
        await self._admission.remove_pending_photos(user_id, pending)
        job_ids = await self._users.get_job_ids(user_id)
        jobs = await self._ledger.run(transitions.get_jobs(job_ids)) if job_ids else []
        origins = {
            id_: PhotoOrigin.model_validate_json(job.payload)
            for id_, job in zip(job_ids, jobs, strict=True)
            if job is not None and job.stage not in _FINISHED and job.received_at <= sent_before
        }
        unfinished = {id_: origin for id_, origin in origins.items() if is_meant(id_, origin)}
        await self._ledger.run(transitions.cancel(unfinished, retention_s=_CANCELLED_RETENTION_S))
        await self._store.delete(list(unfinished))
        await self._status_removal.remove_withdrawn(
            {get_status_target(id_, origin): origin.chat_id for id_, origin in unfinished.items()}
        )
        return len(pending) + len(unfinished)
