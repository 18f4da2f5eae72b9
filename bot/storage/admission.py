"""Admission control. A photo waits for its user's consent. Beyond the allowance photos and requests are rejected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from bot.locales import match_language
from bot.storage import redis_keys
from bot.storage.messages.unanswered_photos import UnansweredPhotos
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import AlbumTarget, get_status_target
from bot.storage.users import REMEMBERED_S
from shared.config.overrides import SettingsOverrides
from shared.ledger.script_call import with_clock_prelude
from shared.redis_client.retry import AsyncRedisRetry

_DAY_S: Final = 24 * 3600

#: A photo that was sent before consent waits for it this long. Seconds.
_PENDING_S: Final = _DAY_S

#: The ledger forgets dead letters within this time. Seconds.
_DEAD_LETTERS_KEPT_S: Final = 31 * _DAY_S

#: Maximum number of requests (commands, presses, texts) at once, and as many a minute. Changes of what is stored have
#: an allowance of their own, so that a user can always withdraw.
_REQUEST_BURST: Final = 20

_SCRIPTS: Final = Path(__file__).parents[1] / "scripts"
_NOTE: Final = (_SCRIPTS / "_note.lua").read_text(encoding="utf-8")
_ADMIT: Final = with_clock_prelude(_NOTE + (_SCRIPTS / "admit_photo.lua").read_text(encoding="utf-8"))
_NOTE_PHOTOS: Final = with_clock_prelude(_NOTE + (_SCRIPTS / "note_photos.lua").read_text(encoding="utf-8"))
_ADMIT_REQUEST: Final = with_clock_prelude((_SCRIPTS / "admit_request.lua").read_text(encoding="utf-8"))


class Admission(StrEnum):
    """Result of the check of a photo."""

    ADMITTED = "admitted"
    NO_CONSENT = "no-consent"
    TOO_FAST = "too-fast"
    DAILY_LIMIT = "daily-limit"
    SERVICE_BUSY = "service-busy"
    TOO_LARGE = "too-large"


@dataclass(frozen=True, slots=True)
class AdmissionResult:
    """Result of the check, and the user's language.

    `burst_began` is 0 unless the photo is the first of a burst for which the user gets a notice; then it is a time.
    `wait_s`: no photo of the user is admitted for so long, 0 if that is not known.
    """

    admission: Admission
    language: str
    burst_began: int
    wait_s: float


@dataclass(frozen=True, slots=True)
class RequestAdmission:
    """Result of the check of a request.

    `wait_s` are the seconds until the next request is admitted. `is_first_rejection`: the request before was admitted.
    """

    admitted: bool
    wait_s: float = 0
    is_first_rejection: bool = False


class AdmissionControl:
    """Checks each photo and each request in one atomic script. Every method waits while Redis is unavailable."""

    def __init__(
        self, client: "Redis", retry: AsyncRedisRetry, overrides: SettingsOverrides, *, answer_retention_s: float
    ) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._overrides = overrides
        #: The ledger forgets a job of the user within this time.
        self._jobs_kept_s = max(_DEAD_LETTERS_KEPT_S, answer_retention_s + _DAY_S)
        self._unanswered = UnansweredPhotos(client, retry)
        self._admit = client.register_script(_ADMIT)
        self._note_photos = client.register_script(_NOTE_PHOTOS)
        self._admit_request = client.register_script(_ADMIT_REQUEST)

    async def admit(
        self,
        job_id: str,
        origin: PhotoOrigin,
        language_code: str | None,
        *,
        user_hash: str,
        rejection: Admission | None = None,
    ) -> AdmissionResult:
        """Admit or reject a photo. A photo that was admitted is admitted again and costs nothing.

        Without consent the photo is kept for a day, see `get_pending_photos`; it has then used its allowance.

        Args:
            job_id: Id of the photo's job.
            origin: What the bot stores with the job.
            language_code: Telegram's setting, used if the user chose no language.
            user_hash: Keyed hash of the user's id, under which the allowance is kept.
            rejection: Reason to reject the photo even if the user has allowance left.
        """
        settings = self._overrides.current
        target = get_status_target(job_id, origin)
        keys = [
            redis_keys.user(origin.user_id),
            redis_keys.allowance(user_hash),
            redis_keys.jobs(origin.user_id),
            redis_keys.pending_photos(origin.user_id),
            redis_keys.unanswered_photos(origin.user_id),
            redis_keys.STATUS_UPDATES,
        ]
        if isinstance(target, AlbumTarget):
            keys.append(redis_keys.album(target))
        arguments: list[str | float] = [
            job_id,
            origin.model_dump_json(),
            match_language(language_code),
            settings.user_burst,
            settings.user_per_minute,
            settings.user_per_day,
            REMEMBERED_S,
            _PENDING_S,
            str(target),
            origin.chat_id,
            origin.message_id,
            rejection or "",
            self._jobs_kept_s,
        ]
        reply = await self._retry.call(lambda: self._admit(keys=keys, args=arguments))
        admission, language, burst_began, wait_ms = reply
        return AdmissionResult(Admission(admission.decode()), language.decode(), int(burst_began), wait_ms / 1000)

    async def note_rejected(self, user_id: int, chat_id: int, admission: Admission, message_ids: Sequence[int]) -> int:
        """Note photos that cannot be admitted now. Returns the same as `AdmissionResult.burst_began`."""
        keys, arguments = [redis_keys.unanswered_photos(user_id)], [chat_id, admission.value, *message_ids]
        return int(await self._retry.call(lambda: self._note_photos(keys=keys, args=arguments)))

    async def admit_request(self, user_hash: str, *, changes_data: bool = False) -> RequestAdmission:
        """Admit or reject a command or a press. `changes_data`: it withdraws or deletes something, or gives consent."""
        keys, arguments = [redis_keys.allowance(user_hash)], ["changes" if changes_data else "requests", _REQUEST_BURST]
        admitted, wait_ms, is_first = await self._retry.call(lambda: self._admit_request(keys=keys, args=arguments))
        return RequestAdmission(admitted == 1, wait_ms / 1000, is_first == 1)

    async def get_pending_photos(self, user_id: int) -> dict[str, PhotoOrigin]:
        """Return the photos that the user sent before consent, by job id, in the order of their messages."""
        photos = await self._retry.call(lambda: self._redis.hgetall(redis_keys.pending_photos(user_id)))
        origins = {id_.decode(): PhotoOrigin.model_validate_json(origin) for id_, origin in photos.items()}
        return dict(sorted(origins.items(), key=lambda item: (item[1].chat_id, item[1].message_id)))

    async def remove_pending_photos(self, user_id: int, photos: Mapping[str, PhotoOrigin]) -> None:
        """Forget photos that were sent before consent, by job id: they have jobs, or their user withdrew them."""
        if photos:
            await self._retry.call(lambda: self._redis.hdel(redis_keys.pending_photos(user_id), *photos))
            messages = [(origin.chat_id, origin.message_id) for origin in photos.values()]
            await self._unanswered.remove(user_id, Admission.NO_CONSENT, messages)
