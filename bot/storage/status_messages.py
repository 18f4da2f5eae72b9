"""Status messages: at most one for a photo or an album that waits. The status message of a photo becomes its answer."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from bot.storage import redis_keys
from bot.storage.status_target import AlbumTarget, JobTarget, StatusTarget, parse_status_target
from shared.ledger.script_call import with_clock_prelude
from shared.redis_client.allowed_writes import AllowedWrites
from shared.redis_client.retry import AsyncRedisRetry

_SCRIPTS: Final = Path(__file__).parents[1] / "scripts"
_DUE: Final = with_clock_prelude((_SCRIPTS / "due_status_updates.lua").read_text(encoding="utf-8"), allow_oom=True)

#: A reservation ends by itself after this, in case the process that made it dies before it sends. Seconds.
_RESERVED_S: Final = 10
#: The same for an edit. It is longer than a call to Telegram may take.
_EDITED_S: Final = 15
_KEPT_S: Final = 24 * 3600

_RESERVED: Final = b"reserved"
_ANSWERING: Final = b"answering"
_LOST: Final = b"lost"

_TAKE_OVER_POLL_S: Final = 0.05


class StatusMessages:
    """Ids of the status messages, and when each is to be updated next. All replicas share them through Redis."""

    def __init__(self, client: "Redis", retry: AsyncRedisRetry) -> None:
        self._redis: Any = client  # redis-py's types mix its two clients
        self._due = client.register_script(_DUE)
        self._retry = retry
        self._writes = AllowedWrites(client)

    async def get_due(self, *, limit: int, repeat_after_s: float) -> list[StatusTarget]:
        """Return the targets whose status is due. Each is due again later, so only one replica gets it now."""
        names = await self._retry.call(
            lambda: self._due(keys=[redis_keys.STATUS_UPDATES], args=[limit, repeat_after_s])
        )
        return [parse_status_target(name.decode()) for name in names]

    async def get_album_job_ids(self, album: AlbumTarget) -> list[str]:
        """Return the ids of the jobs of an album."""
        ids = await self._retry.call(lambda: self._redis.smembers(redis_keys.album(album)))
        return sorted(id_.decode() for id_ in ids)

    async def reserve(self, target: StatusTarget) -> bool:
        """Reserve the right to send the message. True for one caller only, until `record` or `release`.

        Where Redis is full, no status message is sent: each would take memory until its answer is sent.
        """
        key = redis_keys.status_message(target)
        try:
            return bool(await self._retry.call(lambda: self._redis.set(key, _RESERVED, nx=True, ex=_RESERVED_S)))
        except OutOfMemoryError:
            return False

    async def record(self, target: StatusTarget, message_id: int) -> None:
        """Store the id of the message that was sent, also where Redis is full: the answer needs it."""
        key = redis_keys.status_message(target)
        await self._retry.call(lambda: self._writes.run("SET", key, message_id, "EX", _KEPT_S))

    async def mark_lost(self, target: StatusTarget) -> None:
        """Note that a message may have been sent, and that its id is unknown. Then no other is sent."""
        key = redis_keys.status_message(target)
        await self._retry.call(lambda: self._redis.set(key, _LOST, xx=True, ex=_KEPT_S))

    async def begin_edit(self, target: JobTarget) -> bool:
        """Keep the answer from using the message, until `end_edit`: an edit that comes late would replace the answer.

        False if another replica edits the message.
        """
        key = redis_keys.status_edit(target)
        return bool(await self._retry.call(lambda: self._redis.set(key, b"1", nx=True, ex=_EDITED_S)))

    async def end_edit(self, target: JobTarget) -> None:
        """Let the answer use the message."""
        await self._retry.call(lambda: self._redis.delete(redis_keys.status_edit(target)))

    async def release(self, target: StatusTarget) -> None:
        """Forget a message that was not sent or is being removed."""
        await self._retry.call(lambda: self._redis.delete(redis_keys.status_message(target)))

    async def get(self, target: StatusTarget) -> int | None:
        """Return the id of the message; None if there is none, or if the answer has begun."""
        return _message_id(await self._retry.call(lambda: self._redis.get(redis_keys.status_message(target))))

    async def take_over(self, job_id: str) -> int | None:
        """Mark that the answer begins, also where Redis is full, so that no status message is sent any more.

        Returns:
            The id of the status message that was sent, which is to become the answer; None if there is none.
        """
        target = JobTarget(job_id)
        key = redis_keys.status_message(target)
        while True:
            is_edited, value = await asyncio.gather(
                self._retry.call(lambda: self._redis.exists(redis_keys.status_edit(target))),
                self._retry.call(lambda: self._writes.run("SET", key, _ANSWERING, "NX", "GET", "EX", _KEPT_S)),
            )
            if not is_edited and value != _RESERVED:
                return _message_id(value)
            await asyncio.sleep(_TAKE_OVER_POLL_S)

    async def postpone(self, target: StatusTarget, seconds: float) -> None:
        """Delay the next update of a target by `seconds`, if its status is still to be updated."""
        delays = {str(target): seconds}
        await self._retry.call(lambda: self._redis.zadd(redis_keys.STATUS_UPDATES, delays, xx=True, incr=True))

    async def stop_updates(self, target: StatusTarget) -> None:
        """Update a status no more, but remember its message."""
        await self._retry.call(lambda: self._redis.zrem(redis_keys.STATUS_UPDATES, str(target)))

    async def clear(self, targets: Sequence[StatusTarget]) -> None:
        """Forget the messages of targets that no longer wait, and the failed attempts of their jobs."""
        if not targets:
            return
        keys = []
        for target in targets:
            keys.append(redis_keys.status_message(target))
            if isinstance(target, JobTarget):
                keys.append(redis_keys.attempts(target.job_id))
            else:
                keys.append(redis_keys.album(target))
        await asyncio.gather(
            self._retry.call(lambda: self._redis.delete(*keys)),
            self._retry.call(lambda: self._redis.zrem(redis_keys.STATUS_UPDATES, *map(str, targets))),
        )


def _message_id(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None
