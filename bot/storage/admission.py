"""Admission control. A photo waits for its user's consent; beyond the user's allowance it is rejected."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from bot.locales import match_language
from bot.storage import redis_keys
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import AlbumTarget, get_status_target
from bot.storage.users import REMEMBERED_S
from shared.config.overrides import SettingsOverrides
from shared.ledger.script_call import with_clock_prelude
from shared.redis_client.retry import AsyncRedisRetry

#: A photo that was sent before consent waits for it this long. Seconds.
_PENDING_S: Final = 24 * 3600

_SCRIPTS: Final = Path(__file__).parents[1] / "scripts"
_ADMIT: Final = with_clock_prelude((_SCRIPTS / "admit_photo.lua").read_text(encoding="utf-8"))


class Admission(StrEnum):
    """Result of the check of a photo. `..._REPEATED`: the user has got a message about it already."""

    ADMITTED = "admitted"
    NO_CONSENT = "no-consent"
    TOO_FAST = "too-fast"
    TOO_FAST_REPEATED = "too-fast-repeated"
    DAILY_LIMIT = "daily-limit"
    DAILY_LIMIT_REPEATED = "daily-limit-repeated"


@dataclass(frozen=True, slots=True)
class AdmissionResult:
    """Result of the check, the user's language, and the seconds until the next photo is admitted."""

    admission: Admission
    language: str
    wait_s: int


class AdmissionControl:
    """Checks each photo in one atomic script. Every method waits while Redis is unavailable."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry, overrides: SettingsOverrides) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry
        self._overrides = overrides
        self._admit = client.register_script(_ADMIT)

    async def admit(self, job_id: str, origin: PhotoOrigin, language_code: str | None) -> AdmissionResult:
        """Admit or reject a photo. A photo that was admitted is admitted again and costs nothing.

        Without consent the photo is kept for a day: see `get_pending_photos`.
        """
        settings = self._overrides.current
        target = get_status_target(job_id, origin)
        keys = [
            redis_keys.user(origin.user_id),
            redis_keys.jobs(origin.user_id),
            redis_keys.pending_photos(origin.user_id),
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
        ]
        admission, language, wait_s = await self._retry.call(lambda: self._admit(keys=keys, args=arguments))
        return AdmissionResult(Admission(admission.decode()), language.decode(), int(wait_s))

    async def get_pending_photos(self, user_id: int) -> dict[str, PhotoOrigin]:
        """Return the photos that the user sent before consent, by job id."""
        photos = await self._retry.call(lambda: self._redis.hgetall(redis_keys.pending_photos(user_id)))
        return {id_.decode(): PhotoOrigin.model_validate_json(origin) for id_, origin in photos.items()}

    async def clear_pending_photos(self, user_id: int) -> None:
        """Forget the photos that were sent before consent, once they have jobs."""
        await self._retry.call(lambda: self._redis.delete(redis_keys.pending_photos(user_id)))
