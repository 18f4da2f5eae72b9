"""What is remembered of a person: consent, language, allowance, which jobs are theirs. Nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from bot.locales.languages import from_language_code
from bot.storage import redis_keys
from bot.storage.photo_origin import PhotoOrigin
from shared.config.overrides import SettingsOverrides
from shared.ledger.script_call import with_clock_prelude
from shared.redis_client.retry import AsyncRedisRetry

#: Someone who has not written for so long is forgotten. Seconds.
REMEMBERED_S: Final = 180 * 24 * 3600

#: A photograph sent before consent waits for it this long. Seconds.
CONSENT_WAIT_S: Final = 24 * 3600

_ADMIT: Final = with_clock_prelude(
    (Path(__file__).parents[1] / "scripts" / "admit_photo.lua").read_text(encoding="utf-8")
)


class Admission(StrEnum):
    """What is done with a photograph. `..._TOLD`: the person has been told already."""

    ADMITTED = "open"
    NO_CONSENT = "consent"
    TOO_FAST = "slow"
    TOO_FAST_REPEATED = "slow-told"
    DAILY_LIMIT = "day"
    DAILY_LIMIT_REPEATED = "day-told"


@dataclass(frozen=True, slots=True)
class AdmissionResult:
    """The outcome, the language to speak in, and after how many seconds there is room again."""

    admission: Admission
    language: str
    wait_s: int


class UserStore:
    """People by their Telegram id. Every method waits while Redis is away."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry, overrides: SettingsOverrides) -> None:
        self._redis: Any = client  # redis-py types one method for both of its clients
        self._retry = retry
        self._overrides = overrides
        self._admit = client.register_script(_ADMIT)

    async def admit(self, id_: str, origin: PhotoOrigin, language_code: str | None) -> AdmissionResult:
        """Take the job `id_` in for its sender, or say why not. Repeating it with the same id changes nothing."""
        person = origin.user_id
        config = self._overrides.current
        waits_as = f"{origin.chat_id}:{origin.album_id}" if origin.album_id else id_
        names = [
            redis_keys.user(person),
            redis_keys.jobs(person),
            redis_keys.pending_photos(person),
            redis_keys.STATUS_UPDATES,
            redis_keys.album(waits_as),
        ]
        arguments: list[str | float] = [
            id_,
            origin.model_dump_json(),
            from_language_code(language_code),
            config.user_burst,
            config.user_per_minute,
            config.user_per_day,
            REMEMBERED_S,
            CONSENT_WAIT_S,
            waits_as,
        ]
        what, language, wait = await self._retry.call(lambda: self._admit(keys=names, args=arguments))
        return AdmissionResult(Admission(what.decode()), language.decode(), int(wait))

    async def get_language(self, person: int, language_code: str | None) -> str:
        """The language that the person chose, or else that of Telegram's setting."""
        chosen = await self._retry.call(lambda: self._redis.hget(redis_keys.user(person), "language"))
        return chosen.decode() if chosen else from_language_code(language_code)

    async def set_language(self, person: int, language: str) -> None:
        """Remember the language that the person chose."""
        await self._set(person, "language", language)

    async def has_consented(self, person: int) -> bool:
        """Whether the person agreed."""
        return bool(await self._retry.call(lambda: self._redis.hexists(redis_keys.user(person), "consent")))

    async def record_consent(self, person: int) -> dict[str, PhotoOrigin]:
        """Remember the consent; returns what the person sent before it, by job id. See `taken_in`."""
        await self._set(person, "consent", "1")
        waiting = await self._retry.call(lambda: self._redis.hgetall(redis_keys.pending_photos(person)))
        return {id_.decode(): PhotoOrigin.model_validate_json(text) for id_, text in waiting.items()}

    async def clear_pending_photos(self, person: int) -> None:
        """Forget what was sent before consent: jobs stand for it now."""
        await self._retry.call(lambda: self._redis.delete(redis_keys.pending_photos(person)))

    async def get_job_ids(self, person: int) -> list[str]:
        """Ids of the person's jobs; some may be gone."""
        ids = await self._retry.call(lambda: self._redis.smembers(redis_keys.jobs(person)))
        return sorted(id_.decode() for id_ in ids)

    async def erase(self, person: int, ids: Sequence[str]) -> None:
        """Delete all that is remembered of the person and, beside the ledger, of their jobs `ids`."""
        names = [redis_keys.user(person), redis_keys.jobs(person), redis_keys.pending_photos(person)]
        names += [
            name
            for id_ in ids
            for name in (redis_keys.status_message(id_), redis_keys.attempts(id_), redis_keys.feedback_given(id_))
        ]

        async def delete() -> None:
            async with self._redis.pipeline() as pipeline:
                pipeline.delete(*names)
                if ids:
                    pipeline.zrem(redis_keys.STATUS_UPDATES, *ids)
                await pipeline.execute()

        await self._retry.call(delete)

    async def _set(self, person: int, field: str, value: str) -> None:
        async def write() -> None:
            async with self._redis.pipeline() as pipeline:
                pipeline.hset(redis_keys.user(person), field, value)
                pipeline.expire(redis_keys.user(person), REMEMBERED_S)
                await pipeline.execute()

        await self._retry.call(write)
