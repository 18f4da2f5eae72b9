"""Tells people who wait: their place and the expected time, at most once in three seconds, if there is room."""

import asyncio
import time
from pathlib import Path
from typing import Any, Final

from aiogram import Bot
from aiogram.types import ReplyParameters
from redis.asyncio import Redis

from bot.locales import translate
from bot.presentation import rendering
from bot.services.wait_estimate import WaitEstimator
from bot.storage import redis_keys
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_messages import StatusMessages
from bot.telegram.api_calls import RateLimited, SendError, call_api
from bot.telegram.rate_limiter import Priority, RateLimiter
from shared.contract.names import Stage
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import JobView
from shared.ledger.script_call import with_clock_prelude
from shared.redis_client.retry import AsyncRedisRetry

_SCRIPTS: Final = Path(__file__).parents[1] / "scripts"
_DUE: Final = with_clock_prelude((_SCRIPTS / "due.lua").read_text(encoding="utf-8"), allow_oom=True)

_LOOK_EVERY_S: Final = 0.5
_AGAIN_AFTER_S: Final = 3
_MOST: Final = 30

_OVER: Final = (Stage.ANSWERED, Stage.CANCELLED)


class ProgressUpdater:
    """A loop of its own: it follows all stages, and none of its messages has to arrive."""

    def __init__(
        self,
        bot: Bot,
        client: "Redis",
        retry: AsyncRedisRetry,
        ledger: AsyncLedger,
        *,
        pacer: RateLimiter,
        waiting: StatusMessages,
        load: WaitEstimator,
    ) -> None:
        self._bot = bot
        self._redis: Any = client  # redis-py types one method for both of its clients
        self._due = client.register_script(_DUE)
        self._retry = retry
        self._ledger = ledger
        self._pacer = pacer
        self._waiting = waiting
        self._load = load
        self._turning = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the loop last looked."""
        return time.monotonic() - self._turning

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            names = await self._retry.call(lambda: self._due(keys=[redis_keys.PROGRESS], args=[_MOST, _AGAIN_AFTER_S]))
            self._turning = time.monotonic()
            for name in names:
                await self._tell(name.decode())
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _tell(self, name: str) -> None:
        ids = [name] if ":" not in name else await self._album(name)
        views = [view for view in await self._ledger.run(transitions.get_jobs(ids)) if view is not None]
        if ":" in name:
            await self._tell_album(name, views)
        elif not views or views[0].stage in _OVER:
            await self._waiting.clear([name])
        elif views[0].stage is not Stage.DECIDED:
            await self._say(name, views[0], self._words(views[0]))

    async def _tell_album(self, name: str, views: list[JobView]) -> None:
        answered = sum(view.stage in _OVER for view in views)
        if answered < len(views):
            words = translate(views[0].language, "album-waiting", pictures=len(views), answered=answered)
            await self._say(name, views[0], words)
            return
        if views and await self._waiting.message(name) is not None:
            done = await self._say(name, views[0], translate(views[0].language, "album-done", pictures=len(views)))
            if not done:
                return
        await self._waiting.clear([name])
        await self._retry.call(lambda: self._redis.delete(redis_keys.album(name)))

    def _words(self, view: JobView) -> str:
        language = view.language
        counts = self._load.counts
        if counts is not None and counts.images_per_second <= 0:
            return translate(language, "waiting-no-workers")
        if view.queue_position is None:
            return translate(language, "waiting-looked-at")
        return translate(
            language,
            "waiting",
            before=view.queue_position,
            wait=rendering.format_wait(self._load.wait_s(view.queue_position), language),
        )

    async def _say(self, name: str, view: JobView, words: str) -> bool:
        """Send or edit the message about `name`; False where that has to be dropped for now."""
        to = PhotoOrigin.model_validate_json(view.payload)
        message = await self._waiting.message(name)
        if not (await self._pacer.turn(to.chat, Priority.PROGRESS)).granted:
            return False
        try:
            if message is not None:
                await call_api(lambda: self._bot.edit_message_text(words, chat_id=to.chat, message_id=message))
            elif await self._waiting.reserve(name):
                await self._begin(name, to, words)
        except RateLimited as error:
            await self._pacer.block(to.chat, error.seconds)
            return False
        except SendError:
            # Blocked, deleted by the person, or lost on the way: the answer will find out.
            return True
        return True

    async def _begin(self, name: str, to: PhotoOrigin, words: str) -> None:
        reply = ReplyParameters(message_id=to.message, allow_sending_without_reply=True)
        try:
            sent = await call_api(lambda: self._bot.send_message(to.chat, words, reply_parameters=reply))
        except SendError:
            await self._waiting.release(name)
            raise
        if sent is not None:
            await self._waiting.record(name, sent.message_id)

    async def _album(self, name: str) -> list[str]:
        found = await self._retry.call(lambda: self._redis.smembers(redis_keys.album(name)))
        return sorted(id_.decode() for id_ in found)
