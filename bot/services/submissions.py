"""What handlers may do: write to the ledger. Everything else happens in loops over its stages."""

from typing import Final

from bot.locales import translate
from bot.presentation import keyboards, rendering
from bot.services.wait_estimate import WaitEstimator
from bot.storage import redis_keys
from bot.storage.outgoing_message import OutgoingMessage, enqueue
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.users import Admission, AdmissionResult, UserStore
from bot.telegram.photo import PhotoFile
from shared.config.overrides import SettingsOverrides
from shared.config.settings import Settings
from shared.contract.names import Queue, Stage
from shared.ids import job_id
from shared.image_store.async_store import AsyncImageStore
from shared.images.limits import DECODE_LIMITS
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import JobView, NewJob

#: A withdrawn job is remembered for as long as Telegram may repeat its update. Seconds.
_WITHDRAWN_S: Final = 24 * 3600


class SubmissionService:
    """Takes photographs in and posts notes. Every method waits while Redis is away and can be repeated.

    `key` makes job ids that tell nothing of whose they are.
    """

    def __init__(
        self,
        *,
        ledger: AsyncLedger,
        store: AsyncImageStore,
        users: UserStore,
        wait_estimator: WaitEstimator,
        overrides: SettingsOverrides,
        key: bytes,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self.users = users
        self.wait_estimator = wait_estimator
        self._overrides = overrides
        self._key = key

    @property
    def settings(self) -> Settings:
        """As they are now: an operator may change some."""
        return self._overrides.current

    async def enqueue_message(self, message: OutgoingMessage, *because: str) -> None:
        """Post `note`, once for the same `because` in this chat."""
        await self._ledger.run(enqueue(job_id(self._key, "note", str(message.chat_id), *because), message))

    async def submit(self, photo: PhotoFile, origin: PhotoOrigin, language_code: str | None) -> None:
        """Take a photograph in, or tell the person why not."""
        because = str(origin.message_id)
        if photo.size_bytes > DECODE_LIMITS.max_bytes:
            language = await self.users.get_language(origin.user_id, language_code)
            sentence = translate(language, "too-large", megabytes=DECODE_LIMITS.max_bytes // 2**20)
            await self.enqueue_message(
                OutgoingMessage(chat_id=origin.chat_id, text=sentence, reply_to_message_id=origin.message_id), because
            )
            return
        expected = self.wait_estimator.wait_s()
        if expected is not None and expected > self.settings.max_expected_wait_s:
            language = await self.users.get_language(origin.user_id, language_code)
            sentence = translate(language, "busy", wait=rendering.format_wait(expected, language))
            await self.enqueue_message(
                OutgoingMessage(chat_id=origin.chat_id, text=sentence, reply_to_message_id=origin.message_id), because
            )
            return
        id_ = job_id(self._key, str(origin.chat_id), str(origin.message_id), photo.unique_id)
        admitted = await self.users.admit(id_, origin, language_code)
        if admitted.admission is Admission.ADMITTED:
            await self.create_jobs({id_: origin}, admitted.language)
        else:
            await self._reject(admitted, origin)

    async def create_jobs(self, jobs: dict[str, PhotoOrigin], language: str) -> None:
        """Open jobs (id -> reference) that are not there yet."""
        await self._ledger.run(
            transitions.create_jobs(
                [NewJob(id_, reference.model_dump_json()) for id_, reference in jobs.items()],
                queue=Queue.INTERACTIVE,
                outbox=redis_keys.PHOTO_OUTBOX,
                language=language,
                deadline_s=self.settings.interactive_deadline_s,
                stored=False,
            )
        )

    async def get_job(self, id_: str) -> JobView | None:
        """The job `id_` as it is now."""
        return (await self._ledger.run(transitions.get_jobs([id_])))[0]

    async def cancel(self, user_id: int) -> int:
        """Cancel what of the person waits for an answer, and delete its pictures; returns how many there were."""
        ids = await self.users.get_job_ids(user_id)
        if not ids:
            return 0
        views = await self._ledger.run(transitions.get_jobs(ids))
        over = (Stage.ANSWERED, Stage.CANCELLED)
        waiting = [id_ for id_, view in zip(ids, views, strict=True) if view is not None and view.stage not in over]
        await self._ledger.run(transitions.cancel(waiting, retention_s=_WITHDRAWN_S))
        await self._store.delete(waiting)
        return len(waiting)

    async def erase_user(self, user_id: int) -> None:
        """Delete every trace of the person."""
        ids = await self.users.get_job_ids(user_id)
        await self._ledger.run(transitions.delete(ids))
        await self._store.delete(ids)
        await self.users.erase(user_id, ids)

    async def _reject(self, admitted: AdmissionResult, reference: PhotoOrigin) -> None:
        language = admitted.language
        if admitted.admission is Admission.NO_CONSENT:
            if reference.is_group:
                note = OutgoingMessage(chat_id=reference.chat_id, text=translate(language, "consent-missing-in-group"))
                await self.enqueue_message(note, str(reference.message_id))
                return
            sentences = [translate(language, "consent-waiting"), consent_question(language, self.settings)]
            note = OutgoingMessage(
                chat_id=reference.chat_id, text="\n\n".join(sentences), keyboard=keyboards.consent(language)
            )
            # An album is asked about once.
            await self.enqueue_message(note, reference.album_id or str(reference.message_id), "consent")
        elif admitted.admission in (Admission.TOO_FAST, Admission.DAILY_LIMIT):
            sentence = translate(
                language, admitted.admission.value, wait=rendering.format_wait(admitted.wait_s, language)
            )
            await self.enqueue_message(
                OutgoingMessage(chat_id=reference.chat_id, text=sentence), str(reference.message_id)
            )


def consent_question(language: str, settings: Settings) -> str:
    """What the person is asked to agree to."""
    return translate(language, "consent-question", days=retention_days(settings))


def retention_days(settings: Settings) -> int:
    """For how many days the record of an answer is kept."""
    return max(1, round(settings.answer_retention_s / 86400))
