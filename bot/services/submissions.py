"""Submits photos as jobs, enqueues outgoing messages, and cancels a user's jobs.

The services write to the ledger and send nothing. Background tasks do the rest.
"""

from typing import Final

from bot.locales import translate
from bot.presentation import keyboards, rendering
from bot.services.consent import ConsentService
from bot.services.wait_estimate import WaitEstimator
from bot.storage import redis_keys
from bot.storage.admission import Admission, AdmissionControl, AdmissionResult
from bot.storage.outgoing_message import OutgoingMessage, enqueue
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.users import UserStore
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

_REJECTION_TEXTS: Final = {
    Admission.TOO_FAST: "rejected-too-fast",
    Admission.DAILY_LIMIT: "rejected-daily-limit",
}

_FINISHED: Final = (Stage.ANSWERED, Stage.CANCELLED)


class SubmissionService:
    """Submits photos and enqueues messages. Every method waits while Redis is unavailable and can be repeated.

    `key` is the secret of the job ids. Only someone who knows it can tell whose photo an id belongs to.
    """

    def __init__(
        self,
        *,
        ledger: AsyncLedger,
        store: AsyncImageStore,
        users: UserStore,
        admission: AdmissionControl,
        consent: ConsentService,
        wait_estimator: WaitEstimator,
        overrides: SettingsOverrides,
        key: bytes,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._users = users
        self._admission = admission
        self._consent = consent
        self._wait_estimator = wait_estimator
        self._overrides = overrides
        self._key = key

    async def enqueue_message(self, message: OutgoingMessage, *reason: str) -> None:
        """Enqueue `message`, once for the same `reason` in its chat."""
        await self._ledger.run(enqueue(job_id(self._key, "message", str(message.chat_id), *reason), message))

    async def submit(self, photo: PhotoFile, origin: PhotoOrigin, language_code: str | None) -> None:
        """Create a job for a photo, or tell the user why there is none."""
        if photo.size_bytes > DECODE_LIMITS.max_bytes:
            language = await self._users.get_language(origin.user_id, language_code)
            await self._reply(
                origin, translate(language, "rejected-too-large", megabytes=DECODE_LIMITS.max_bytes // 2**20)
            )
            return
        wait_s = self._wait_estimator.wait_s()
        if wait_s is not None and wait_s > self._overrides.current.max_expected_wait_s:
            language = await self._users.get_language(origin.user_id, language_code)
            await self._reply(
                origin, translate(language, "rejected-service-busy", wait=rendering.format_wait(wait_s, language))
            )
            return
        id_ = job_id(self._key, str(origin.chat_id), str(origin.message_id), photo.unique_id)
        result = await self._admit(id_, origin, language_code)
        if result.admission is not Admission.ADMITTED:
            await self._explain_rejection(result, origin)

    async def submit_pending_photos(self, user_id: int, language_code: str | None) -> int:
        """Create jobs for the photos that the user sent before consent; returns how many photos there were."""
        photos = await self._admission.get_pending_photos(user_id)
        for id_, origin in photos.items():
            await self._admit(id_, origin, language_code)
        await self._admission.clear_pending_photos(user_id)
        return len(photos)

    async def get_job(self, id_: str) -> JobView | None:
        """Return the current state of a job; None if the ledger does not know it."""
        return (await self._ledger.run(transitions.get_jobs([id_])))[0]

    async def cancel(self, user_id: int) -> int:
        """Cancel the user's jobs that are not finished and delete their images; returns how many there were."""
        job_ids = await self._users.get_job_ids(user_id)
        if not job_ids:
            return 0
        jobs = await self._ledger.run(transitions.get_jobs(job_ids))
        unfinished = [
            id_ for id_, job in zip(job_ids, jobs, strict=True) if job is not None and job.stage not in _FINISHED
        ]
        await self._ledger.run(transitions.cancel(unfinished, retention_s=_CANCELLED_RETENTION_S))
        await self._store.delete(unfinished)
        return len(unfinished)

    async def _admit(self, id_: str, origin: PhotoOrigin, language_code: str | None) -> AdmissionResult:
        result = await self._admission.admit(id_, origin, language_code)
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

    async def _explain_rejection(self, result: AdmissionResult, origin: PhotoOrigin) -> None:
        language, reason = result.language, [str(origin.message_id)]
        keyboard: keyboards.Rows = ()
        if result.admission is Admission.NO_CONSENT:
            if origin.is_group:
                text = translate(language, "consent-missing-in-group")
            else:
                text = "\n\n".join([translate(language, "consent-waiting"), self._consent.question(language)])
                keyboard = keyboards.consent(language)
                # The photos of an album share one question.
                reason = [origin.album_id or str(origin.message_id), "consent"]
        elif name := _REJECTION_TEXTS.get(result.admission):
            text = translate(language, name, wait=rendering.format_wait(result.wait_s, language))
        else:
            return
        await self.enqueue_message(OutgoingMessage(chat_id=origin.chat_id, text=text, keyboard=keyboard), *reason)

    async def _reply(self, origin: PhotoOrigin, text: str) -> None:
        message = OutgoingMessage(chat_id=origin.chat_id, text=text, reply_to_message_id=origin.message_id)
        await self.enqueue_message(message, str(origin.message_id))
