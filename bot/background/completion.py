"""Completes jobs whose answer was sent. Jobs that end at about the same time are completed with one call."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.dependencies import BotDependencies
from bot.services.status_removal import StatusRemoval
from bot.storage.photo_origin import PhotoOrigin
from bot.storage.status_target import JobTarget, get_status_target
from shared.coalescing.coroutines import AsyncCoalescer
from shared.ledger import transitions
from shared.ledger.records import OutboxJob

#: Maximum number of jobs that are completed with one call, and the seconds between two calls.
_MAX_BATCH: Final = 64
_BATCH_INTERVAL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class CompletedJob:
    """A job whose answer was sent, and its outcome (verdict, refusal, failure)."""

    job: OutboxJob
    outcome: str


class JobCompletion:
    """Moves jobs from decided to answered or cancelled, deletes their images and clears their status messages.

    The record of an answered job is kept for `retention_s` seconds.
    """

    def __init__(self, dependencies: BotDependencies, status_removal: StatusRemoval, *, retention_s: float) -> None:
        self._status_removal = status_removal
        self._ledger = dependencies.ledger
        self._store = dependencies.store
        self._status_messages = dependencies.status_messages
        self._statistics = dependencies.statistics
        self._attempts = dependencies.attempts
        self._retention_s = retention_s
        self._coalescer: AsyncCoalescer[CompletedJob, None] = AsyncCoalescer(
            self._complete_all, _MAX_BATCH, _BATCH_INTERVAL_S
        )

    async def complete(self, job: OutboxJob, outcome: str) -> None:
        """Complete a job whose answer was sent, and count the answer."""
        await self._coalescer.call(CompletedJob(job, outcome))

    async def keep_for_operator(self, job: OutboxJob, outcome: str, reason: str, *, incarnation: str) -> None:
        """Turn a job into a dead letter after its user got an answer: an operator may replay it."""
        await self._ledger.run(transitions.dead_letter([job.id], incarnation=incarnation, reason=reason))
        await self._status_messages.clear([JobTarget(job.id)])
        await self._statistics.record_answers([(outcome, job.received_at)])

    async def dead_letter(self, job: OutboxJob, reason: str, *, incarnation: str) -> None:
        """Turn a job whose answer cannot be sent into a dead letter, which can be replayed."""
        await self._ledger.run(transitions.dead_letter([job.id], incarnation=incarnation, reason=reason))
        await self._status_messages.stop_updates(JobTarget(job.id))
        # A replay gets all attempts again.
        await self._attempts.reset(job.id)

    async def discard(self, job_id: str, origin: PhotoOrigin) -> None:
        """Cancel a job whose answer cannot reach its user."""
        await self._ledger.run(transitions.cancel([job_id]))
        await self._status_removal.remove_withdrawn({get_status_target(job_id, origin): origin.chat_id})
        await self._clear([job_id])

    async def _complete_all(self, completed: Sequence[CompletedJob]) -> list[None]:
        ids = [item.job.id for item in completed]
        # This comes before the status messages are forgotten. If this call fails, the answer is sent again, and that is
        # no second answer only if it edits the status message.
        await self._ledger.run(transitions.complete(ids, retention_s=self._retention_s))
        await asyncio.gather(
            self._clear(ids),
            self._statistics.record_answers([(item.outcome, item.job.received_at) for item in completed]),
        )
        return [None] * len(completed)

    async def _clear(self, ids: Sequence[str]) -> None:
        targets = [JobTarget(id_) for id_ in ids]
        await asyncio.gather(self._store.delete(ids), self._status_messages.clear(targets))
