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

_ADMIT: Final = with_clock_prelude((Path(__file__).parents[1] / "scripts" / "admit.lua").read_text(encoding="utf-8"))


class Admission(StrEnum):
    """What is done with a photograph. `..._TOLD`: the person has been told already."""

    OPEN = "open"
    CONSENT = "consent"
    SLOW = "slow"
    SLOW_TOLD = "slow-told"
    DAY = "day"
    DAY_TOLD = "day-told"


@dataclass(frozen=True, slots=True)
class AdmissionResult:
    """The outcome, the language to speak in, and after how many seconds there is room again."""

    what: Admission
    language: str
    wait_s: int


class UserStore:
    """People by their Telegram id. Every method waits while Redis is away."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry, limits: SettingsOverrides) -> None:
        self._redis: Any = client  # redis-py types one method for both of its clients
        self._retry = retry
        self._limits = limits
        self._admit = client.register_script(_ADMIT)

    async def admit(self, id_: str, reference: PhotoOrigin, language_code: str | None) -> AdmissionResult:
        """Take the job `id_` in for its sender, or say why not. Repeating it with the same id changes nothing."""
        person = reference.person
        config = self._limits.current
        waits_as = f"{reference.chat}:{reference.album}" if reference.album else id_
        names = [
            redis_keys.person(person),
            redis_keys.jobs(person),
            redis_keys.before_consent(person),
            redis_keys.PROGRESS,
            redis_keys.album(waits_as),
        ]
        arguments: list[str | float] = [
            id_,
            reference.model_dump_json(),
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

    async def language(self, person: int, language_code: str | None) -> str:
        """The language that the person chose, or else that of Telegram's setting."""
        chosen = await self._retry.call(lambda: self._redis.hget(redis_keys.person(person), "language"))
        return chosen.decode() if chosen else from_language_code(language_code)

    async def set_language(self, person: int, language: str) -> None:
        """Remember the language that the person chose."""
        await self._set(person, "language", language)

    async def has_consented(self, person: int) -> bool:
        """Whether the person agreed."""
        return bool(await self._retry.call(lambda: self._redis.hexists(redis_keys.person(person), "consent")))

    async def consent(self, person: int) -> dict[str, PhotoOrigin]:
        """Remember the consent; returns what the person sent before it, by job id. See `taken_in`."""
        await self._set(person, "consent", "1")
        waiting = await self._retry.call(lambda: self._redis.hgetall(redis_keys.before_consent(person)))
        return {id_.decode(): PhotoOrigin.model_validate_json(text) for id_, text in waiting.items()}

    async def clear_before_consent(self, person: int) -> None:
        """Forget what was sent before consent: jobs stand for it now."""
        await self._retry.call(lambda: self._redis.delete(redis_keys.before_consent(person)))

    async def jobs(self, person: int) -> list[str]:
        """Ids of the person's jobs; some may be gone."""
        ids = await self._retry.call(lambda: self._redis.smembers(redis_keys.jobs(person)))
        return sorted(id_.decode() for id_ in ids)

    async def forget(self, person: int, ids: Sequence[str]) -> None:
        """Delete all that is remembered of the person and, beside the ledger, of their jobs `ids`."""
        names = [redis_keys.person(person), redis_keys.jobs(person), redis_keys.before_consent(person)]
        names += [name for id_ in ids for name in (redis_keys.told(id_), redis_keys.tries(id_), redis_keys.rated(id_))]

        async def delete() -> None:
            async with self._redis.pipeline() as pipeline:
                pipeline.delete(*names)
                if ids:
                    pipeline.zrem(redis_keys.PROGRESS, *ids)
                await pipeline.execute()

        await self._retry.call(delete)

    async def _set(self, person: int, field: str, value: str) -> None:
        async def write() -> None:
            async with self._redis.pipeline() as pipeline:
                pipeline.hset(redis_keys.person(person), field, value)
                pipeline.expire(redis_keys.person(person), REMEMBERED_S)
                await pipeline.execute()

        await self._retry.call(write)
