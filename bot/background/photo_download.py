"""received -> ready: downloads a photo from Telegram, stores its image and publishes the job to the workers."""

import asyncio
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Final

from aiogram import Bot
from redis.exceptions import OutOfMemoryError

from bot.background.chat_action import ChatActionSender
from bot.dependencies import BotDependencies
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.api_calls import RateLimited, Rejected, SendError, call_api
from shared.broker.publisher import TaskPublisher
from shared.coalescing.coroutines import AsyncCoalescer
from shared.contract.decision import Refusal, RefusalReason
from shared.ledger import transitions
from shared.ledger.records import OutboxJob

#: Maximum number of images that are stored with one call, and the seconds between two calls. Under load a
#: Celery message then carries several jobs, which saves bot and worker about a millisecond of CPU for each.
_MAX_BATCH: Final = 16
_BATCH_INTERVAL_S: Final = 0.03

#: Pause before an image is offered to a full store again. Seconds.
_STORE_FULL_RETRY_S: Final = 2.0


class PhotoDownloader:
    """Handler of jobs in the stage `received`."""

    def __init__(self, bot: Bot, dependencies: BotDependencies, publisher: TaskPublisher) -> None:
        self._bot = bot
        self._ledger = dependencies.ledger
        self._store = dependencies.store
        self._attempts = dependencies.attempts
        self._publisher = publisher
        self._chat_action = ChatActionSender(bot, dependencies.rate_limiter)
        self._coalescer: AsyncCoalescer[tuple[str, bytes], bool] = AsyncCoalescer(
            self._store_images, _MAX_BATCH, _BATCH_INTERVAL_S
        )

    async def download(self, job: OutboxJob) -> float | None:
        """Download one photo. Returns the seconds until the next attempt; None if there is none."""
        origin = PhotoOrigin.model_validate_json(job.payload)
        try:
            data = await call_api(lambda: self._fetch(origin.file_id))
        except RateLimited as error:
            return error.retry_after_s
        except SendError as error:
            if isinstance(error, Rejected) and "too big" in str(error):
                await self._ledger.run(transitions.decide([(job.id, Refusal(reason=RefusalReason.TOO_MANY_BYTES))]))
                return None
            return self._attempts.backoff_s(await self._attempts.record_failure(job.id))
        if data is None:
            return self._attempts.backoff_s(await self._attempts.record_failure(job.id))
        if not await self._coalescer.call((job.id, data)):
            return _STORE_FULL_RETRY_S
        await self._chat_action.show(origin.chat_id, origin.thread_id)
        return None

    async def _fetch(self, file_id: str) -> bytes:
        buffer = BytesIO()
        await self._bot.download(file_id, destination=buffer)
        return buffer.getvalue()

    async def _store_images(self, images: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Store images by job id, and publish the jobs of those that were stored. False for an image without space."""
        if await self._put(dict(images)):
            are_stored = [True] * len(images)
        else:
            are_stored = [await self._put({id_: data}) for id_, data in images]
        ids = [id_ for (id_, _), is_stored in zip(images, are_stored, strict=True) if is_stored]
        stored = await self._ledger.run(transitions.mark_ready(ids))
        # The user may have cancelled or deleted a photo while it was fetched.
        await self._store.delete(stored.unused)
        await asyncio.to_thread(self._publisher.publish, stored.pending)
        return are_stored

    async def _put(self, images: Mapping[str, bytes]) -> bool:
        """Store all images or none. False if the budget or Redis is full."""
        try:
            return await self._store.put(images)
        except OutOfMemoryError:
            return False
