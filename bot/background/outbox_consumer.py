"""One loop over one stage of one outbox: lease what is due, work on it, give back what did not work."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import structlog

from shared.contract.names import Stage
from shared.ledger import transitions
from shared.ledger.async_ledger import AsyncLedger
from shared.ledger.records import OutboxJob

log = structlog.get_logger(__name__)

#: Jobs that become due by themselves ring no bell. Seconds.
_POLL_INTERVAL_S: Final = 0.3

#: Looks follow each other no closer than this: what falls due meanwhile is taken with one call. Seconds.
_MIN_LEASE_INTERVAL_S: Final = 0.02

#: After an error of ours the job is tried again this much later. Seconds.
_ERROR_RETRY_S: Final = 5.0

#: What is in hand when the process stops may take so long to finish. Seconds.
_STOP_TIMEOUT_S: Final = 8.0


class OutboxConsumer:
    """Works on at most `slots` jobs at once.

    `work` moves its job on and returns None, or returns after how many seconds it is due again. `news` is set when
    something happened in the outbox.
    """

    def __init__(
        self,
        ledger: AsyncLedger,
        stage: Literal[Stage.RECEIVED, Stage.DECIDED],
        *,
        outbox: str,
        incarnation: str,
        wake_event: asyncio.Event,
        slots: int,
        handler: Callable[[OutboxJob], Awaitable[float | None]],
    ) -> None:
        self._ledger = ledger
        self._stage = stage
        self._outbox = outbox
        self._incarnation = incarnation
        self._news = wake_event
        self._slots = slots
        self._work = handler
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._turning = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the loop last looked at the ledger."""
        return time.monotonic() - self._turning

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            free = self._slots - len(self._tasks)
            before = set(self._tasks.values())
            jobs = await self._lease(free) if free else []
            self._turning = time.monotonic()
            for job in await self._drop_in_flight(jobs, before):
                task = asyncio.create_task(self._handle(job))
                self._tasks[task] = job.id
                task.add_done_callback(self._tasks.pop)
            await asyncio.sleep(_MIN_LEASE_INTERVAL_S)
            if not jobs or len(jobs) == free:
                await self._wait(full=len(self._tasks) >= self._slots)

    async def stop(self) -> None:
        """Let what is in hand finish, and give back the rest. Call it once `run` has ended."""
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=_STOP_TIMEOUT_S)
        held = list(self._tasks.values())
        for task in list(self._tasks):
            task.cancel()
        if held:
            await self._ledger.run(transitions.requeue(held, incarnation=self._incarnation))

    async def _lease(self, free: int) -> list[OutboxJob]:
        return await self._ledger.run(
            transitions.lease(self._stage, outbox=self._outbox, limit=free, incarnation=self._incarnation)
        )

    async def _drop_in_flight(self, jobs: list[OutboxJob], before: set[str]) -> list[OutboxJob]:
        """Those of `jobs` that are to be begun.

        A process that stood still is taken for dead. When it wakes up it is given again what it is about to finish, and
        beginning that once more would be a second answer.
        """
        finished = [job.id for job in jobs if job.id in before and job.id not in self._tasks.values()]
        if finished:
            # Meanwhile, and the ledger knows how: answered, which stands, or due again.
            await self._ledger.run(transitions.requeue(finished, incarnation=self._incarnation))
        return [job for job in jobs if job.id not in before]

    async def _wait(self, *, full: bool) -> None:
        if full:
            await asyncio.wait(list(self._tasks), timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            return
        try:
            # Not `wait_for`: before Python 3.12 it may swallow the cancellation that ends this loop.
            async with asyncio.timeout(_POLL_INTERVAL_S):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    async def _handle(self, job: OutboxJob) -> None:
        try:
            again_after_s = await self._work(job)
        except Exception as error:  # noqa: BLE001 - the loop must outlive whatever goes wrong with one job
            # Only the kind: the text of an error of the Bot API may hold the token.
            kind = type(error).__name__
            log.error("outbox job failed, trying again", job=job.id, error=kind)  # noqa: TRY400
            again_after_s = _ERROR_RETRY_S
        if again_after_s is not None:
            await self._ledger.run(transitions.requeue([job.id], incarnation=self._incarnation, after_s=again_after_s))
