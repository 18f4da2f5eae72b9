"""Starts and stops all background tasks of a replica."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import structlog
from aiogram import Bot

from bot.background.answer_delivery import AnswerDelivery
from bot.background.completion import JobCompletion
from bot.background.message_delivery import MessageDelivery
from bot.background.outbox_consumer import OutboxConsumer, Slots
from bot.background.override_sync import sync_overrides
from bot.background.photo_download import PhotoDownloader
from bot.background.progress import ProgressUpdater
from bot.dependencies import BotDependencies
from bot.services.notices import NoticeComposer
from bot.services.status_removal import StatusRemoval
from bot.services.wait_estimate import WaitEstimator
from bot.storage import redis_keys
from bot.storage.messages.outgoing_message import OutgoingMessage
from bot.storage.photo_origin import PhotoOrigin
from shared.config.settings import Settings
from shared.contract.names import Stage
from shared.ledger.records import OutboxJob
from shared.redis_client.retry import RedisAccessDenied
from shared.service.client import ServiceClient

log = structlog.get_logger(__name__)

#: Slots in all and of one chat. Messages of one chat are sent in order, answers to presses beside them.
_DOWNLOAD_SLOTS: Final = (16, 4)
_ANSWER_SLOTS: Final = (24, 4)
_MESSAGE_SLOTS: Final = (8, 2)
_DROP_SLOTS: Final = (1, 1)

#: Longest wait for a notification of an outbox, in seconds; shorter than the time-out of the socket.
_NOTIFICATION_WAIT_S: Final = 5.0

#: Pause after a notification: one that follows at once is about jobs that the consumers are about to lease. Seconds.
_NOTIFICATION_PAUSE_S: Final = 0.02

#: Time that the tasks get to end when they are cancelled. Seconds.
_STOP_TIMEOUT_S: Final = 3.0

#: A consumer that has not checked for jobs for so long makes no progress. Seconds.
_STALLED_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _WakeEvents:
    """Events that wake the consumers of an outbox."""

    received: asyncio.Event = field(default_factory=asyncio.Event)
    decided: asyncio.Event = field(default_factory=asyncio.Event)
    messages: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class BackgroundServices:
    """Services that the background tasks use beside the stores."""

    wait_estimator: WaitEstimator
    notices: NoticeComposer
    status_removal: StatusRemoval


class BackgroundTasks:
    """Photo download, answer delivery, message delivery and status updates."""

    def __init__(
        self,
        bot: Bot,
        dependencies: BotDependencies,
        client: ServiceClient,
        services: BackgroundServices,
        settings: Settings,
    ) -> None:
        self._dependencies = dependencies
        self._ledger = dependencies.ledger
        self._wait_estimator = services.wait_estimator
        self._incarnation = client.incarnation
        self._wake_events = _WakeEvents()
        self._progress = ProgressUpdater(bot, dependencies, services.wait_estimator, services.status_removal)
        downloader = PhotoDownloader(bot, dependencies, client.publisher)
        answers = AnswerDelivery(
            bot,
            dependencies,
            JobCompletion(dependencies, services.status_removal, retention_s=settings.answer_retention_s),
            max_attempts=settings.telegram_max_attempts,
            incarnation=client.incarnation,
        )
        messages = MessageDelivery(bot, dependencies, services.notices)
        photos, wake = redis_keys.PHOTO_OUTBOX, self._wake_events
        self._consumers = [
            self._consumer(photos, Stage.RECEIVED, wake.received, _DOWNLOAD_SLOTS, downloader.download),
            self._consumer(photos, Stage.DECIDED, wake.decided, _ANSWER_SLOTS, answers.deliver),
            self._consumer(redis_keys.MESSAGE_OUTBOX, Stage.RECEIVED, wake.messages, _MESSAGE_SLOTS, messages.deliver),
            self._consumer(redis_keys.MESSAGE_OUTBOX, Stage.DECIDED, wake.messages, _DROP_SLOTS, messages.drop),
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all tasks."""
        wake = self._wake_events
        runs: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self._wait_estimator.run,
            lambda: sync_overrides(self._ledger, self._dependencies.overrides),
            self._progress.run,
            self._dependencies.bot_lease.keep,
            lambda: self._listen(redis_keys.PHOTO_OUTBOX, wake.received, wake.decided),
            lambda: self._listen(redis_keys.MESSAGE_OUTBOX, wake.messages),
            *(consumer.run for consumer in self._consumers),
        ]
        self._tasks = [asyncio.create_task(self._run_forever(run)) for run in runs]

    async def stop(self) -> None:
        """Finish jobs in flight; other replicas do the rest."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=_STOP_TIMEOUT_S)
        await asyncio.gather(self._progress.stop(), *(consumer.stop() for consumer in self._consumers))

    def is_making_progress(self) -> bool:
        """Return whether every consumer and the progress updater have polled lately."""
        return max(self._progress.idle_s, *(consumer.idle_s for consumer in self._consumers)) < _STALLED_S

    def _consumer(
        self,
        outbox: str,
        stage: Literal[Stage.RECEIVED, Stage.DECIDED],
        wake_event: asyncio.Event,
        slots: tuple[int, int],
        handler: Callable[[OutboxJob], Awaitable[float | None]],
    ) -> OutboxConsumer:
        get_chat_id = _get_photo_chat_id if outbox == redis_keys.PHOTO_OUTBOX else _get_message_chat_id
        return OutboxConsumer(
            self._ledger,
            stage,
            outbox=outbox,
            incarnation=self._incarnation,
            wake_event=wake_event,
            slots=Slots(*slots, get_chat_id),
            handler=handler,
        )

    async def _listen(self, outbox: str, *wake_events: asyncio.Event) -> None:
        while True:
            if await self._ledger.wait_for_outbox_change(outbox, _NOTIFICATION_WAIT_S):
                for event in wake_events:
                    event.set()
                # A notification that comes now waits in Redis, and until it is read no further one is written.
                await asyncio.sleep(_NOTIFICATION_PAUSE_S)

    async def _run_forever(self, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await run()
            except RedisAccessDenied as error:
                log.error("Redis denies access, trying again", error=str(error))  # noqa: TRY400 - one sentence
                await asyncio.sleep(5)
            except Exception:
                log.exception("a background task failed, starting it again")
                await asyncio.sleep(1)


def _get_photo_chat_id(job: OutboxJob) -> int:
    return PhotoOrigin.model_validate_json(job.payload).chat_id


def _get_message_chat_id(job: OutboxJob) -> int:
    return OutgoingMessage.model_validate_json(job.payload).chat_id
