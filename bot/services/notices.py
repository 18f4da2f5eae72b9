"""Composes the notice about a burst of photos that the bot did not take: why, how many, and what to do."""

from dataclasses import dataclass
from typing import Final

from bot.locales import translate
from bot.presentation import keyboards, rendering
from bot.services.consent import ConsentService
from bot.services.wait_estimate import WaitEstimator
from bot.storage.admission import Admission
from bot.storage.messages.outgoing_message import OutgoingMessage, PhotoNotice
from bot.storage.messages.unanswered_photos import UnansweredPhotos
from shared.config.overrides import SettingsOverrides
from shared.images.limits import DECODE_LIMITS

#: A burst is complete once no photo came for so long, or once it has lasted the longer time. Seconds.
_SETTLED_S: Final = 1.0
_MAX_BURST_S: Final = 10.0

_TEXTS: Final = {
    Admission.NO_CONSENT: "consent-waiting",
    Admission.TOO_FAST: "rejected-too-fast",
    Admission.DAILY_LIMIT: "rejected-daily-limit",
    Admission.SERVICE_BUSY: "rejected-service-busy",
    Admission.TOO_LARGE: "rejected-too-large",
}


@dataclass(frozen=True, slots=True)
class ComposedNotice:
    """A notice, and the messages of the photos that it is about."""

    message: OutgoingMessage
    message_ids: tuple[int, ...]


class NoticeComposer:
    """Composes notices at the time when they are sent."""

    def __init__(
        self,
        unanswered: UnansweredPhotos,
        consent: ConsentService,
        wait_estimator: WaitEstimator,
        overrides: SettingsOverrides,
    ) -> None:
        self._unanswered = unanswered
        self._consent = consent
        self._wait_estimator = wait_estimator
        self._overrides = overrides

    async def compose(self, message: OutgoingMessage, notice: PhotoNotice) -> ComposedNotice | float | None:
        """Compose the text of `message`.

        Returns:
            The notice; the seconds until the burst may be complete; or None if the user withdrew the photos.
        """
        burst = await self._unanswered.get_burst(notice.user_id, message.chat_id, notice.reason)
        if not burst.message_ids:
            return None
        if burst.since_last_s < _SETTLED_S and burst.since_first_s < _MAX_BURST_S:
            return _SETTLED_S - burst.since_last_s
        text, keyboard = self._render(notice, len(burst.message_ids), is_group=message.chat_id < 0)
        composed = message.model_copy(
            update={"text": text, "keyboard": keyboard, "reply_to_message_id": burst.message_ids[0]}
        )
        return ComposedNotice(composed, burst.message_ids)

    async def abandon(self, message: OutgoingMessage) -> None:
        """Forget the photos of a notice that cannot be sent, so that later photos get one. Ignores other messages."""
        if message.notice is not None:
            notice = message.notice
            burst = await self._unanswered.get_burst(notice.user_id, message.chat_id, notice.reason)
            await self.finish(message, notice, burst.message_ids)

    async def finish(self, message: OutgoingMessage, notice: PhotoNotice, message_ids: tuple[int, ...]) -> bool:
        """Forget the photos of a notice that was sent. Returns whether later photos need another notice."""
        photos = [(message.chat_id, message_id) for message_id in message_ids]
        await self._unanswered.remove(notice.user_id, notice.reason, photos)
        return bool((await self._unanswered.get_burst(notice.user_id, message.chat_id, notice.reason)).message_ids)

    def _render(self, notice: PhotoNotice, photos: int, *, is_group: bool) -> tuple[str, keyboards.Rows]:
        language, admission = notice.language, Admission(notice.reason)
        if admission is Admission.NO_CONSENT and is_group:
            return translate(language, "consent-missing-in-group"), ()
        wait_s = self._wait_estimator.wait_s()
        if admission is Admission.TOO_FAST:
            wait_s = photos * 60 / self._overrides.current.user_per_minute
        # Fluent ignores values that a text does not use.
        text = translate(
            language,
            _TEXTS[admission],
            photos=photos,
            wait=rendering.format_wait(wait_s, language),
            megabytes=DECODE_LIMITS.max_bytes // 2**20,
        )
        if admission is Admission.NO_CONSENT:
            return f"{text}\n\n{self._consent.question(language)}", keyboards.consent(language)
        return text, ()
