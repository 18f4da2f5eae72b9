"""What is left to do once an answer is sent, for all answers that are sent at about the same time together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.storage.statistics import AnswerStatistics
from bot.storage.status_messages import StatusMessages
from shared.coalescing.coroutines import AsyncCoalescer
from shared.image_store.async_store import AsyncImageStore
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import OutboxJob

#: Most answers that are ended with one call, and the seconds between two.
_MOST: Final = 64
_APART_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class CompletedJob:
    """A job whose answer was sent, and its outcome (verdict, refusal, failure)."""

    job: OutboxJob
    outcome: str


class JobCompletion:
    """Ends jobs: decided -> answered or cancelled, the picture deleted, nobody told of a wait any more."""

    def __init__(
        self,
        ledger: AsyncLedger,
        store: AsyncImageStore,
        *,
        status_messages: StatusMessages,
        statistics: AnswerStatistics,
        retention_s: float,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._status_messages = status_messages
        self._statistics = statistics
        self._retention_s = retention_s
        self._coalescer: AsyncCoalescer[CompletedJob, None] = AsyncCoalescer(self._complete_all, _MOST, _APART_S)

    async def complete(self, job: OutboxJob, outcome: str) -> None:
        """End a job whose answer was sent, and count the answer."""
        await self._coalescer.call(CompletedJob(job, outcome))

    async def keep_for_operator(self, job: OutboxJob, outcome: str, reason: str, *, incarnation: str) -> None:
        """End a job whose person was told, but leave it and its picture for an operator."""
        await self._ledger.run(transitions.dead_letter([job.id], incarnation=incarnation, reason=reason))
        await self._status_messages.clear([job.id])
        await self._statistics.record_answers([(outcome, job.received_at)])

    async def discard(self, id_: str) -> None:
        """End a job whose answer nobody wants."""
        await self._ledger.run(transitions.cancel([id_]))
        await self._clear([id_])

    async def _complete_all(self, some: Sequence[CompletedJob]) -> list[None]:
        ids = [one.job.id for one in some]
        # First, and by itself: with the message about the wait forgotten, an answer sent again would be a second one.
        await self._ledger.run(transitions.complete(ids, retention_s=self._retention_s))
        await asyncio.gather(
            self._clear(ids),
            self._statistics.record_answers([(one.outcome, one.job.received_at) for one in some]),
        )
        return [None] * len(some)

    async def _clear(self, ids: Sequence[str]) -> None:
        await asyncio.gather(self._store.delete(ids), self._status_messages.clear(ids))
