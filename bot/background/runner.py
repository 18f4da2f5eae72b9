"""All loops of a replica: started together, stopped together."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog
from aiogram import Bot

from bot.background.answer_delivery import AnswerDelivery
from bot.background.completion import JobCompletion
from bot.background.message_delivery import MessageDelivery
from bot.background.outbox_consumer import OutboxConsumer
from bot.background.override_sync import sync_overrides
from bot.background.photo_download import PhotoDownloader
from bot.background.progress import ProgressUpdater
from bot.dependencies import BotDependencies
from bot.services.wait_estimate import WaitEstimator
from bot.storage import redis_keys
from shared.config.settings import Settings
from shared.contract.names import Stage
from shared.ledger import transitions
from shared.ledger.records import OutboxJob
from shared.redis_client.retry import RedisAccessDenied
from shared.service.client import ServiceClient

log = structlog.get_logger(__name__)

_DOWNLOADS: Final = 16
_ANSWERS: Final = 24
_NOTES: Final = 8

#: Longest wait for a bell, in seconds; shorter than the socket's time-out.
_BELL_S: Final = 5.0

#: After a bell the next is not listened for at once: it would tell of what the loops are about to see. Seconds.
_DEAF_S: Final = 0.02

#: What is in the middle of a call to Redis ends within this. Seconds.
_STOP_LIMIT_S: Final = 3.0

#: A loop that did not look at the ledger for so long does not make progress. Seconds.
_STUCK_S: Final = 30.0


class BackgroundTasks:
    """Download, deliver, notes and progress, each over its stage of the ledger."""

    def __init__(
        self, bot: Bot, redis: BotDependencies, connection: ServiceClient, load: WaitEstimator, settings: Settings
    ) -> None:
        self._redis = redis
        self._load = load
        self._incarnation = connection.incarnation
        self._news = {stage: asyncio.Event() for stage in ("received", "decided", "notes")}
        self._progress = ProgressUpdater(
            bot, redis.client, redis.retry, redis.ledger, pacer=redis.pacer, waiting=redis.waiting, load=load
        )
        download = PhotoDownloader(
            bot, redis.ledger, redis.store, connection.publisher, pacer=redis.pacer, tries=redis.tries
        )
        ending = JobCompletion(
            redis.ledger,
            redis.store,
            waiting=redis.waiting,
            statistics=redis.statistics,
            retention_s=settings.answer_retention_s,
        )
        deliver = AnswerDelivery(
            bot,
            redis.ledger,
            redis.store,
            pacer=redis.pacer,
            tries=redis.tries,
            waiting=redis.waiting,
            trouble=redis.trouble,
            ending=ending,
            most_tries=settings.telegram_max_attempts,
            incarnation=connection.incarnation,
        )
        notes = MessageDelivery(bot, redis.ledger, pacer=redis.pacer, tries=redis.tries)
        self._outboxes = [
            self._outbox(Stage.RECEIVED, redis_keys.PHOTOGRAPHS, "received", _DOWNLOADS, download.work),
            self._outbox(Stage.DECIDED, redis_keys.PHOTOGRAPHS, "decided", _ANSWERS, deliver.work),
            self._outbox(Stage.RECEIVED, redis_keys.NOTES, "notes", _NOTES, notes.work),
            self._outbox(Stage.DECIDED, redis_keys.NOTES, "notes", 1, self._drop),
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all of them."""
        runs: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self._load.run,
            lambda: sync_overrides(self._redis.ledger, self._redis.limits),
            self._progress.run,
            lambda: self._listen(redis_keys.PHOTOGRAPHS, "received", "decided"),
            lambda: self._listen(redis_keys.NOTES, "notes"),
            *(outbox.run for outbox in self._outboxes),
        ]
        self._tasks = [asyncio.create_task(self._forever(run)) for run in runs]

    async def stop(self) -> None:
        """Finish what is in hand; other replicas get the rest."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=_STOP_LIMIT_S)
        await asyncio.gather(*(outbox.stop() for outbox in self._outboxes))

    def is_making_progress(self) -> bool:
        """Whether every loop has looked at the ledger lately."""
        return max(self._progress.idle_s, *(outbox.idle_s for outbox in self._outboxes)) < _STUCK_S

    def _outbox(
        self, stage: Any, outbox: str, news: str, slots: int, work: Callable[[OutboxJob], Any]
    ) -> OutboxConsumer:
        return OutboxConsumer(
            self._redis.ledger,
            stage,
            outbox=outbox,
            incarnation=self._incarnation,
            news=self._news[news],
            slots=slots,
            work=work,
        )

    async def _listen(self, outbox: str, *wakes: str) -> None:
        while True:
            if await self._redis.ledger.wait_for_outbox_change(outbox, _BELL_S):
                for name in wakes:
                    self._news[name].set()
                # While the bell lies there, nobody else has to ring.
                await asyncio.sleep(_DEAF_S)

    async def _drop(self, job: OutboxJob) -> None:
        """A note that could not be sent before its deadline is of no use any more, and no dead letter."""
        await self._redis.ledger.run(transitions.cancel([job.id]))

    async def _forever(self, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await run()
            except RedisAccessDenied as error:
                log.error("cannot go on", error=str(error))  # noqa: TRY400 - one sentence for an operator
                await asyncio.sleep(5)
            except Exception:
                log.exception("a loop failed, starting it again")
                await asyncio.sleep(1)
