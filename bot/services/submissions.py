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
        people: UserStore,
        load: WaitEstimator,
        limits: SettingsOverrides,
        key: bytes,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self.people = people
        self.load = load
        self._limits = limits
        self._key = key

    @property
    def settings(self) -> Settings:
        """As they are now: an operator may change some."""
        return self._limits.current

    async def enqueue_message(self, note: OutgoingMessage, *because: str) -> None:
        """Post `note`, once for the same `because` in this chat."""
        await self._ledger.run(enqueue(job_id(self._key, "note", str(note.chat), *because), note))

    async def submit(self, photograph: PhotoFile, reference: PhotoOrigin, language_code: str | None) -> None:
        """Take a photograph in, or tell the person why not."""
        because = str(reference.message)
        if photograph.size > DECODE_LIMITS.max_bytes:
            language = await self.people.language(reference.person, language_code)
            sentence = translate(language, "too-large", megabytes=DECODE_LIMITS.max_bytes // 2**20)
            await self.enqueue_message(
                OutgoingMessage(chat=reference.chat, text=sentence, reply_to=reference.message), because
            )
            return
        expected = self.load.wait_s()
        if expected is not None and expected > self.settings.max_expected_wait_s:
            language = await self.people.language(reference.person, language_code)
            sentence = translate(language, "busy", wait=rendering.format_wait(expected, language))
            await self.enqueue_message(
                OutgoingMessage(chat=reference.chat, text=sentence, reply_to=reference.message), because
            )
            return
        id_ = job_id(self._key, str(reference.chat), str(reference.message), photograph.unique)
        admitted = await self.people.admit(id_, reference, language_code)
        if admitted.what is Admission.OPEN:
            await self.create_jobs({id_: reference}, admitted.language)
        else:
            await self._turn_away(admitted, reference)

    async def create_jobs(self, jobs: dict[str, PhotoOrigin], language: str) -> None:
        """Open jobs (id -> reference) that are not there yet."""
        await self._ledger.run(
            transitions.create_jobs(
                [NewJob(id_, reference.model_dump_json()) for id_, reference in jobs.items()],
                queue=Queue.INTERACTIVE,
                outbox=redis_keys.PHOTOGRAPHS,
                language=language,
                deadline_s=self.settings.interactive_deadline_s,
                stored=False,
            )
        )

    async def view(self, id_: str) -> JobView | None:
        """The job `id_` as it is now."""
        return (await self._ledger.run(transitions.get_jobs([id_])))[0]

    async def cancel(self, person: int) -> int:
        """Cancel what of the person waits for an answer, and delete its pictures; returns how many there were."""
        ids = await self.people.jobs(person)
        if not ids:
            return 0
        views = await self._ledger.run(transitions.get_jobs(ids))
        over = (Stage.ANSWERED, Stage.CANCELLED)
        waiting = [id_ for id_, view in zip(ids, views, strict=True) if view is not None and view.stage not in over]
        await self._ledger.run(transitions.cancel(waiting, retention_s=_WITHDRAWN_S))
        await self._store.delete(waiting)
        return len(waiting)

    async def erase_user(self, person: int) -> None:
        """Delete every trace of the person."""
        ids = await self.people.jobs(person)
        await self._ledger.run(transitions.delete(ids))
        await self._store.delete(ids)
        await self.people.forget(person, ids)

    async def _turn_away(self, admitted: AdmissionResult, reference: PhotoOrigin) -> None:
        language = admitted.language
        if admitted.what is Admission.CONSENT:
            if reference.group:
                note = OutgoingMessage(chat=reference.chat, text=translate(language, "consent-missing-in-group"))
                await self.enqueue_message(note, str(reference.message))
                return
            sentences = [translate(language, "consent-waiting"), consent_question(language, self.settings)]
            note = OutgoingMessage(
                chat=reference.chat, text="\n\n".join(sentences), keyboard=keyboards.consent(language)
            )
            # An album is asked about once.
            await self.enqueue_message(note, reference.album or str(reference.message), "consent")
        elif admitted.what in (Admission.SLOW, Admission.DAY):
            sentence = translate(language, admitted.what.value, wait=rendering.format_wait(admitted.wait_s, language))
            await self.enqueue_message(OutgoingMessage(chat=reference.chat, text=sentence), str(reference.message))


def consent_question(language: str, settings: Settings) -> str:
    """What the person is asked to agree to."""
    return translate(language, "consent-question", days=retention_days(settings))


def retention_days(settings: Settings) -> int:
    """For how many days the record of an answer is kept."""
    return max(1, round(settings.answer_retention_s / 86400))
