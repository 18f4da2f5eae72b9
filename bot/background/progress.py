"""Sends status messages: tells users who wait their position and the expected time, at most every three seconds.

A status update gives way to answers and other messages, and may be dropped.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog
from aiogram import Bot
from aiogram.types import ReplyParameters

from bot.dependencies import BotDependencies
from bot.locales import translate
from bot.presentation import rendering
from bot.services.status_removal import StatusRemoval
from bot.services.wait_estimate import WaitEstimator
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import AlbumTarget, JobTarget, StatusTarget
from bot.telegram.api_calls import RateLimited, SendError, call_api
from bot.telegram.rate_limiter import Priority
from shared.contract.names import Stage
from shared.ledger import transitions
from shared.ledger.records import JobView

log = structlog.get_logger(__name__)

_POLL_INTERVAL_S: Final = 0.5
_UPDATE_INTERVAL_S: Final = 3
#: Maximum number of updates between two polls.
_MAX_UPDATES: Final = 30

#: Maximum number of updates at once, and the seconds after which a call to Telegram counts as lost.
_MAX_IN_FLIGHT: Final = 16
_CALL_TIMEOUT_S: Final = 10.0

_FINISHED: Final = (Stage.ANSWERED, Stage.CANCELLED)


class ProgressUpdater:
    """Sends and edits the status messages of all replicas. It reads jobs of all stages, so it is no outbox consumer."""

    def __init__(
        self,
        bot: Bot,
        dependencies: BotDependencies,
        wait_estimator: WaitEstimator,
        status_removal: StatusRemoval,
    ) -> None:
        self._bot = bot
        self._status_removal = status_removal
        self._ledger = dependencies.ledger
        self._rate_limiter = dependencies.rate_limiter
        self._status_messages = dependencies.status_messages
        self._wait_estimator = wait_estimator
        self._overrides = dependencies.overrides
        self._polled_at = time.monotonic()
        #: Updates in flight. One that hangs at Telegram holds up no other.
        self._tasks: dict[asyncio.Task[None], StatusTarget] = {}

    @property
    def idle_s(self) -> float:
        """Seconds since the last poll."""
        return time.monotonic() - self._polled_at

    async def run(self) -> None:
        """Update status messages until cancelled."""
        while True:
            targets = await self._status_messages.get_due(limit=_MAX_UPDATES, repeat_after_s=_UPDATE_INTERVAL_S)
            self._polled_at = time.monotonic()
            in_flight = set(self._tasks.values())
            for target in targets:
                # A target that is not updated now is due again soon.
                if target not in in_flight and len(self._tasks) < _MAX_IN_FLIGHT:
                    task = asyncio.create_task(self._update(target))
                    self._tasks[task] = target
                    task.add_done_callback(self._tasks.pop)
            await asyncio.sleep(_POLL_INTERVAL_S)

    async def stop(self) -> None:
        """Cancel the updates in flight. Call it once `run` has ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _update(self, target: StatusTarget) -> None:
        try:
            if isinstance(target, AlbumTarget):
                await self._update_album(target)
            else:
                await self._update_job(target)
        except Exception as error:  # noqa: BLE001 - an error with one update must not end the others
            # Only the kind of error: the text of an error of the Bot API may hold the token.
            log.error("a status update failed", error=type(error).__name__)  # noqa: TRY400

    async def _update_job(self, target: JobTarget) -> None:
        (job,) = await self._ledger.run(transitions.get_jobs([target.job_id]))
        if job is None or job.stage in _FINISHED:
            await self._status_messages.clear([target])
        elif job.stage is not Stage.DECIDED:
            await self._show(target, job, lambda: self._render(job))

    async def _update_album(self, target: AlbumTarget) -> None:
        ids = await self._status_messages.get_album_job_ids(target)
        jobs = [job for job in await self._ledger.run(transitions.get_jobs(ids)) if job is not None]
        # A cancelled job has no payload. Its user withdrew the photo.
        jobs = [job for job in jobs if job.stage is not Stage.CANCELLED]
        answered = sum(job.stage is Stage.ANSWERED for job in jobs)
        if answered < len(jobs):
            await self._show(
                target,
                jobs[0],
                lambda: translate(jobs[0].language, "album-status", photos=len(jobs), answered=answered),
            )
            return
        if jobs and await self._status_messages.get(target) is not None:
            is_shown = await self._show(
                target, jobs[0], lambda: translate(jobs[0].language, "album-finished", photos=len(jobs))
            )
            if not is_shown:
                return
        await self._status_messages.clear([target])

    def _render(self, job: JobView) -> str:
        if self._wait_estimator.is_stopped():
            minutes = max(1, round(self._overrides.current.interactive_deadline_s / 60))
            return translate(job.language, "status-no-workers", minutes=minutes)
        if job.queue_position is None:
            return translate(job.language, "status-in-progress")
        wait = rendering.format_wait(self._wait_estimator.wait_s(job.queue_position), job.language)
        return translate(job.language, "status-waiting", before=job.queue_position, wait=wait)

    async def _show(self, target: StatusTarget, job: JobView, render: Callable[[], str]) -> bool:
        """Send or edit the status message. Returns False if the update is dropped for now."""
        origin = PhotoOrigin.model_validate_json(job.payload)
        # First of all: under load most updates get no permit, and what is done before would be in vain.
        if not (await self._rate_limiter.request_permit(origin.chat_id, Priority.PROGRESS)).granted:
            return False
        message_id, text = await self._status_messages.get(target), render()
        try:
            if message_id is not None:
                await call_api(
                    lambda: self._bot.edit_message_text(text, chat_id=origin.chat_id, message_id=message_id),
                    timeout_s=_CALL_TIMEOUT_S,
                )
            elif await self._status_messages.reserve(target):
                await self._send(target, origin, text)
        except RateLimited as error:
            await self._rate_limiter.block(origin.chat_id, error.retry_after_s)
            return False
        except SendError:
            # The user blocked the bot or deleted the message, or a reply was lost. Answer delivery handles that.
            return True
        return True

    async def _send(self, target: StatusTarget, origin: PhotoOrigin, text: str) -> None:
        reply = ReplyParameters(message_id=origin.message_id, allow_sending_without_reply=True)
        try:
            sent = await call_api(
                lambda: self._bot.send_message(
                    origin.chat_id, text, message_thread_id=origin.thread_id, reply_parameters=reply
                ),
                timeout_s=_CALL_TIMEOUT_S,
            )
        except SendError:
            await self._status_messages.release(target)
            raise
        if sent is not None:
            await self._status_messages.record(target, sent.message_id)
            # The photo may have been withdrawn while the message was sent.
            await self._status_removal.remove_withdrawn({target: origin.chat_id})
