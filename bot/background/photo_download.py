"""received -> ready: fetch the photograph from Telegram, lay it into the store, ring for a worker."""

import asyncio
from collections.abc import Sequence
from io import BytesIO
from typing import Final

from aiogram import Bot

from bot.background.chat_action import ChatActionSender
from bot.storage.attempts import AttemptCounter
from bot.storage.photo_origin import PhotoOrigin
from bot.telegram.api_calls import RateLimited, Rejected, SendError, call_api
from bot.telegram.rate_limiter import RateLimiter
from shared.broker.publisher import TaskPublisher
from shared.coalescing.coroutines import AsyncCoalescer
from shared.contract.decision import Refusal, RefusalReason
from shared.image_store.async_store import AsyncImageStore
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import OutboxJob

#: Most pictures that are stored with one call, and the seconds between two: under load a message to the workers then
#: carries several pictures, which saves both sides about a millisecond of CPU for each.
_MAX_BATCH: Final = 16
_BATCH_INTERVAL_S: Final = 0.03

#: A full store is tried again after this. Seconds.
_STORE_FULL_RETRY_S: Final = 2.0


class PhotoDownloader:
    """The work of a loop over `received`."""

    def __init__(
        self,
        bot: Bot,
        ledger: AsyncLedger,
        store: AsyncImageStore,
        publisher: TaskPublisher,
        *,
        rate_limiter: RateLimiter,
        attempts: AttemptCounter,
    ) -> None:
        self._bot = bot
        self._ledger = ledger
        self._store = store
        self._publisher = publisher
        self._action = ChatActionSender(bot, rate_limiter)
        self._attempts = attempts
        self._coalescer: AsyncCoalescer[tuple[str, bytes], bool] = AsyncCoalescer(
            self._store_images, _MAX_BATCH, _BATCH_INTERVAL_S
        )

    async def download(self, job: OutboxJob) -> float | None:
        """Bring one photograph; seconds until it is tried again where that did not work."""
        reference = PhotoOrigin.model_validate_json(job.payload)
        try:
            data = await call_api(lambda: self._fetch(reference.file_id))
        except RateLimited as error:
            return error.retry_after_s
        except Rejected as error:
            if "too big" in str(error):
                await self._ledger.run(transitions.decide([(job.id, Refusal(reason=RefusalReason.TOO_MANY_BYTES))]))
                return None
            return self._attempts.backoff_s(await self._attempts.record_failure(job.id))
        except SendError:
            return self._attempts.backoff_s(await self._attempts.record_failure(job.id))
        if not await self._coalescer.call((job.id, data or b"")):
            return _STORE_FULL_RETRY_S
        await self._action.show(reference.chat_id)
        return None

    async def _fetch(self, file_id: str) -> bytes:
        into = BytesIO()
        await self._bot.download(file_id, destination=into)
        return into.getvalue()

    async def _store_images(self, images: Sequence[tuple[str, bytes]]) -> list[bool]:
        if await self._store.put(dict(images)):
            laid = [True] * len(images)
        else:
            laid = [await self._store.put({id_: data}) for id_, data in images]
        ids = [id_ for (id_, _), there in zip(images, laid, strict=True) if there]
        owed = await self._ledger.run(transitions.mark_ready(ids))
        await asyncio.to_thread(self._publisher.publish, owed)
        return laid
