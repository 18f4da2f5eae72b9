"""Users by their Telegram id: language, consent and the ids of their jobs. `admission` keeps their allowance."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from bot.locales import match_language
from bot.storage import redis_keys
from bot.storage.status_target import AlbumTarget, JobTarget, StatusTarget, parse_status_target
from shared.ids import job_id
from shared.redis_client.retry import AsyncRedisRetry

#: A user is forgotten this long after the last photo, consent or choice of a language. Seconds.
REMEMBERED_S: Final = 180 * 24 * 3600


def hash_user(key: bytes, user_id: int) -> str:
    """Return the keyed hash of the user's id, under which the allowance is kept."""
    return job_id(key, "allowance", str(user_id))


class UserStore:
    """Records of users in Redis. Every method waits while Redis is unavailable."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._retry = retry

    async def get_language(self, user_id: int, language_code: str | None) -> str:
        """Return the language that the user chose, or else the language of Telegram's `language_code`."""
        chosen = await self._retry.call(lambda: self._redis.hget(redis_keys.user(user_id), "language"))
        return chosen.decode() if chosen else match_language(language_code)

    async def set_language(self, user_id: int, language: str) -> None:
        """Remember the language that the user chose."""
        await self._set(user_id, "language", language)

    async def has_consented(self, user_id: int) -> bool:
        """Return whether the user gave consent."""
        return bool(await self._retry.call(lambda: self._redis.hexists(redis_keys.user(user_id), "consent")))

    async def record_consent(self, user_id: int) -> None:
        """Remember that the user gave consent."""
        await self._set(user_id, "consent", "1")

    async def get_job_ids(self, user_id: int) -> list[str]:
        """Return the ids of the user's jobs. The ledger may have forgotten some of them."""
        ids = await self._retry.call(lambda: self._redis.zrange(redis_keys.jobs(user_id), 0, -1))
        return sorted(id_.decode() for id_ in ids)

    async def find_waiting_albums(self, user_id: int) -> set[AlbumTarget]:
        """Return the albums of the user's private chat whose status is still to be updated, also withdrawn ones."""

        async def find() -> set[AlbumTarget]:
            # A user's private chat has the user's id.
            pattern = f"{AlbumTarget(user_id, '*')}"
            names = [name async for name, _ in self._redis.zscan_iter(redis_keys.STATUS_UPDATES, match=pattern)]
            targets = map(parse_status_target, (name.decode() for name in names))
            return {target for target in targets if isinstance(target, AlbumTarget)}

        return await self._retry.call(find)

    async def erase_profile(self, user_id: int) -> None:
        """Delete language and consent, and what waits for consent or for a notice. No photo is admitted any more."""
        keys = [
            redis_keys.user(user_id),
            redis_keys.pending_photos(user_id),
            redis_keys.unanswered_photos(user_id),
        ]
        await self._retry.call(lambda: self._redis.delete(*keys))

    async def erase_jobs(self, user_id: int, job_ids: Sequence[str], albums: Collection[AlbumTarget]) -> None:
        """Delete what is remembered, beside the ledger, of some of the user's jobs and of albums."""
        targets: list[StatusTarget] = [*(JobTarget(id_) for id_ in job_ids), *albums]
        if not targets:
            return
        keys = [redis_keys.status_message(target) for target in targets]
        keys += [redis_keys.album(album) for album in albums]
        keys += [key(id_) for id_ in job_ids for key in (redis_keys.attempts, redis_keys.feedback_given)]

        async def delete() -> None:
            async with self._redis.pipeline() as pipeline:
                pipeline.delete(*keys)
                pipeline.zrem(redis_keys.STATUS_UPDATES, *map(str, targets))
                if job_ids:
                    pipeline.zrem(redis_keys.jobs(user_id), *job_ids)
                await pipeline.execute()

        await self._retry.call(delete)

    async def _set(self, user_id: int, field: str, value: str) -> None:
        async def write() -> None:
            async with self._redis.pipeline() as pipeline:
                pipeline.hset(redis_keys.user(user_id), field, value)
                pipeline.expire(redis_keys.user(user_id), REMEMBERED_S)
                await pipeline.execute()

        await self._retry.call(write)
