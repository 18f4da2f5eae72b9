"""Consumes one stage of one outbox: leases due jobs, handles them, and requeues those that failed."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final, Literal

import structlog

from shared.contract.names import Stage
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

#: Longest time between two leases. It is short because no event announces that a requeued job is due. Seconds.
_POLL_INTERVAL_S: Final = 0.3

#: Shortest time between two leases, so that jobs that become due in between are leased with one call. Seconds.
_MIN_LEASE_INTERVAL_S: Final = 0.02

#: After an error in our code the job is handled again this much later. Seconds.
_ERROR_RETRY_S: Final = 5.0

#: Jobs of a crowded chat are leased again after at most this time. Seconds.
_MAX_POSTPONED_S: Final = 5.0

#: If Redis refuses to take jobs back, it is asked again after this time. Seconds.
_REQUEUE_RETRY_S: Final = 1.0

#: When the process stops, jobs are released within this time. Seconds.
_REQUEUE_TIMEOUT_S: Final = 2.0

#: Time that jobs in flight get to finish when the process stops. Seconds.
_STOP_TIMEOUT_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Slots:
    """Maximum number of jobs that a consumer handles at once: in all, and of one chat."""

    total: int
    max_per_chat: int
    get_chat_id: Callable[[OutboxJob], int]


class OutboxConsumer:
    """Handles as many jobs at once as it has `slots`.

    `handler` moves its job to another stage and returns None, or returns after how many seconds the job is due again.
    `wake_event` is set when the outbox changed. A chat with many jobs delays itself alone, because only
    some of the slots are for one chat.
    """

    def __init__(
        self,
        ledger: AsyncLedger,
        stage: Literal[Stage.RECEIVED, Stage.DECIDED],
        *,
        outbox: str,
        incarnation: str,
        wake_event: asyncio.Event,
        slots: Slots,
        handler: Callable[[OutboxJob], Awaitable[float | None]],
    ) -> None:
        self._ledger = ledger
        self._stage = stage
        self._outbox = outbox
        self._incarnation = incarnation
        self._wake_event = wake_event
        self._slots = slots
        self._handler = handler
        #: Tasks that handle or release a job.
        self._tasks: set[asyncio.Task[None]] = set()
        #: Chats of the jobs whose handler runs, by the job's id. A job leaves it before it is released: once Redis has
        #: released it, it can be leased again.
        self._in_flight: dict[str, int] = {}
        self._polled_at = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the consumer last checked for jobs and free slots."""
        return time.monotonic() - self._polled_at

    async def run(self) -> None:
        """Consume until cancelled."""
        while True:
            free_slots = self._slots.total - len(self._tasks)
            in_flight = set(self._in_flight)
            jobs = await self._lease(free_slots) if free_slots else []
            self._polled_at = time.monotonic()
            started = await self._postpone_crowded(await self._drop_in_flight(jobs, in_flight))
            for job, chat_id in started:
                self._in_flight[job.id] = chat_id
                task = asyncio.create_task(self._handle(job))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(_MIN_LEASE_INTERVAL_S)
            is_full = len(self._tasks) >= self._slots.total
            # Behind the jobs of a crowded chat, those of other chats may be due.
            if not jobs or is_full or (len(started) == len(jobs) == free_slots):
                await self._wait(is_full=is_full)

    async def stop(self) -> None:
        """Let jobs in flight finish and requeue the rest. Call it once `run` has ended."""
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=_STOP_TIMEOUT_S)
        unfinished = list(self._in_flight)
        cancelled = list(self._tasks)
        for task in cancelled:
            task.cancel()
        if cancelled:
            await asyncio.wait(cancelled, timeout=_REQUEUE_TIMEOUT_S)
        if unfinished:
            # Without Redis, the recovery sweep does it when the lease of this process ends.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REQUEUE_TIMEOUT_S):
                    await self._requeue(unfinished)

    async def _lease(self, limit: int) -> list[OutboxJob]:
        return await self._ledger.run(
            transitions.lease(self._stage, outbox=self._outbox, limit=limit, incarnation=self._incarnation)
        )

    async def _drop_in_flight(self, jobs: list[OutboxJob], in_flight: set[str]) -> list[OutboxJob]:
        """Return those of `jobs` that were not in flight before they were leased.

        If a process is paused, the recovery sweep ends its leases. When the process resumes, it leases jobs again that
        it is about to finish. To start such a job once more would send a second answer.
        """
        finished = [job.id for job in jobs if job.id in in_flight and job.id not in self._in_flight]
        if finished:
            # They finished during the call. The ledger ignores answered jobs here; the others become due again.
            await self._requeue(finished)
        return [job for job in jobs if job.id not in in_flight]

    async def _postpone_crowded(self, jobs: list[OutboxJob]) -> list[tuple[OutboxJob, int]]:
        """Return the jobs to handle now, with their chats. Jobs of a chat that has enough in flight are due later."""
        counts = Counter(self._in_flight.values())
        started, postponed = [], []
        for job in jobs:
            chat_id = self._get_chat_id(job)
            counts[chat_id] += 1
            if counts[chat_id] <= self._slots.max_per_chat:
                started.append((job, chat_id))
            else:
                rounds = (counts[chat_id] - 1) // self._slots.max_per_chat
                postponed.append((job.id, min(_MAX_POSTPONED_S, rounds * _POLL_INTERVAL_S)))
        for after_s, group in groupby(sorted(postponed, key=itemgetter(1)), key=itemgetter(1)):
            await self._requeue([id_ for id_, _ in group], after_s)
        return started

    def _get_chat_id(self, job: OutboxJob) -> int:
        try:
            return self._slots.get_chat_id(job)
        except ValueError:
            # The payload is of another release. The handler says so, and tries again later.
            return 0

    async def _wait(self, *, is_full: bool) -> None:
        if is_full:
            await asyncio.wait(list(self._tasks), timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            return
        try:
            # Not `wait_for`: before Python 3.12 it may swallow the cancellation that ends this task.
            async with asyncio.timeout(_POLL_INTERVAL_S):
                await self._wake_event.wait()
        except TimeoutError:
            return
        self._wake_event.clear()

    async def _handle(self, job: OutboxJob) -> None:
        try:
            retry_after_s = await self._handler(job)
        except Exception as error:  # noqa: BLE001 - an error with one job must not end the consumer
            # Only the kind of error: the text of an error of the Bot API may hold the token.
            kind = type(error).__name__
            log.error("outbox job failed, trying again", job=job.id, error=kind)  # noqa: TRY400
            retry_after_s = _ERROR_RETRY_S
        finally:
            del self._in_flight[job.id]
        if retry_after_s is not None:
            await self._requeue([job.id], retry_after_s)

    async def _requeue(self, ids: list[str], after_s: float = 0) -> None:
        """Release jobs, however often Redis refuses it: while this process lives, nobody else takes them."""
        while True:
            try:
                await self._ledger.run(transitions.requeue(ids, incarnation=self._incarnation, after_s=after_s))
            except Exception as error:  # noqa: BLE001 - whatever it is, the jobs must not stay leased
                log.error("jobs cannot be released, trying again", error=type(error).__name__)  # noqa: TRY400
                await asyncio.sleep(_REQUEUE_RETRY_S)
            else:
                return
