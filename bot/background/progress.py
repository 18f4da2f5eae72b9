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
from bot.telegram.api_calls import ChatUnavailable, OutcomeUnknown, RateLimited, SendError, call_api
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

#: A status message in the chat of a user who blocked the bot is updated again after this time. Seconds.
_BLOCKED_RETRY_S: Final = 60.0

_WAITING: Final = (Stage.RECEIVED, Stage.READY, Stage.CLAIMED)

#: Time that updates in flight get to finish when the process stops. Seconds.
_STOP_TIMEOUT_S: Final = 8.0


class ProgressUpdater:
    """Sends and edits the status messages of all replicas. It reads jobs of all stages, unlike an outbox consumer."""

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
        """Let the updates in flight finish, and cancel the rest. Call it once `run` has ended."""
        tasks = list(self._tasks)
        if tasks:
            # The message of an update that is cut off may have been sent.
            await asyncio.wait(tasks, timeout=_STOP_TIMEOUT_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
        if job is None or job.stage is Stage.CANCELLED:
            # The code that withdrew the photo removes the message.
            await self._status_messages.stop_updates(target)
        elif job.stage is Stage.ANSWERED:
            await self._status_messages.clear([target])
        elif job.stage in _WAITING:
            await self._show(target, job, lambda: self._render(job))

    async def _update_album(self, target: AlbumTarget) -> None:
        ids = await self._status_messages.get_album_job_ids(target)
        jobs = [job for job in await self._ledger.run(transitions.get_jobs(ids)) if job is not None]
        # A cancelled job has no payload. Its user withdrew the photo.
        jobs = [job for job in jobs if job.stage is not Stage.CANCELLED]
        answered = sum(job.stage is Stage.ANSWERED for job in jobs)
        if answered < len(jobs) and not any(job.stage in _WAITING for job in jobs):
            # The rest is being delivered, or cannot be delivered.
            return
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
        if not jobs:
            await self._status_removal.remove_withdrawn({target: target.chat_id})
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
        """Send or edit the status message. Returns False if it may still take effect when it is repeated."""
        origin = PhotoOrigin.model_validate_json(job.payload)
        # First of all: under load most updates get no permit, and what is done before would be in vain.
        if not (await self._rate_limiter.request_permit(origin.chat_id, Priority.PROGRESS)).granted:
            return False
        message_id, text = await self._status_messages.get(target), render()
        try:
            if message_id is not None:
                await self._edit(target, origin.chat_id, message_id, text)
            elif await self._status_messages.reserve(target):
                await self._send(target, origin, text)
        except RateLimited as error:
            await self._rate_limiter.block(origin.chat_id, error.retry_after_s)
            return False
        except ChatUnavailable:
            # The user blocked the bot, and may unblock it.
            await self._status_messages.postpone(target, _BLOCKED_RETRY_S)
            return False
        except OutcomeUnknown:
            return False
        except SendError:
            # The user deleted the message.
            return True
        return True

    async def _edit(self, target: StatusTarget, chat_id: int, message_id: int, text: str) -> None:
        if isinstance(target, AlbumTarget):
            await self._call_edit(chat_id, message_id, text)
            return
        if not await self._status_messages.begin_edit(target):
            return
        is_over = True
        try:
            # Read after `begin_edit`: the answer of a job that waits now waits for `end_edit`.
            (job,) = await self._ledger.run(transitions.get_jobs([target.job_id]))
            if job is not None and job.stage in _WAITING:
                await self._call_edit(chat_id, message_id, text)
        except (OutcomeUnknown, asyncio.CancelledError):
            # The edit may still take effect.
            is_over = False
            raise
        finally:
            if is_over:
                await self._status_messages.end_edit(target)

    async def _call_edit(self, chat_id: int, message_id: int, text: str) -> None:
        await call_api(
            lambda: self._bot.edit_message_text(text, chat_id=chat_id, message_id=message_id),
            timeout_s=_CALL_TIMEOUT_S,
        )

    async def _send(self, target: StatusTarget, origin: PhotoOrigin, text: str) -> None:
        reply = ReplyParameters(message_id=origin.message_id, allow_sending_without_reply=True)
        try:
            sent = await call_api(
                lambda: self._bot.send_message(
                    origin.chat_id, text, message_thread_id=origin.thread_id, reply_parameters=reply
                ),
                timeout_s=_CALL_TIMEOUT_S,
            )
        except SendError as error:
            if isinstance(error, OutcomeUnknown):
                await self._status_messages.mark_lost(target)
            else:
                await self._status_messages.release(target)
            raise
        if sent is not None:
            await self._status_messages.record(target, sent.message_id)
            await self._status_removal.remove_if_withdrawn(target, origin.chat_id, sent.message_id)
