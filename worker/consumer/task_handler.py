"""Handles one Celery message: claims jobs, fetches their images, runs the pipeline and writes the decisions."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog

from shared.coalescing.threads import Coalescer
from shared.contract.decision import Failure, FailureReason, Refusal, Verdict
from shared.contract.names import CONTRACT_VERSION, Queue
from shared.image_store.store import ImageStore
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import ClaimedJob, TaskMessage
from shared.ledger.script_call import JOBS_PER_MESSAGE
from shared.redis_client.retry import ShutdownRequested
from worker.batching.weighted_semaphore import WeightedSemaphore
from worker.batching.work_item import FinishedItems, Prediction, Released, WorkItem
from worker.consumer.backoff import Backoff
from worker.consumer.owed_writes import REDIS_ERRORS, DecidedJob, OwedWrites
from worker.consumer.task_slots import OnStarted
from worker.serving.model_manager import LoadedModel, ModelManager
from worker.telemetry.metrics import METRICS
from worker.telemetry.score_distribution import SCORE_DISTRIBUTION

log = structlog.get_logger(__name__)

#: Names of the counts that a task returns.
SKIPPED: Final = "skipped"
MISSING: Final = "missing"
RELEASED: Final = "released"

#: Counts of jobs that this message did not decide.
UNDECIDED: Final = frozenset({SKIPPED, MISSING, RELEASED})


class TaskHandler:
    """Handles messages. Shared by all task threads.

    Args:
        ledger: The ledger.
        store: The image store.
        owed_writes: Writes the decisions and releases.
        backoff: Holds messages back while Redis refuses calls.
        model_manager: The model in use.
        incarnation: This worker, as the holder of jobs.
        max_bulk_in_flight: Maximum number of bulk images in memory at once.
        max_attempts: Maximum number of attempts at a job.
        jobs_per_message: Maximum number of jobs that are claimed with a message that names fewer.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: ImageStore,
        owed_writes: OwedWrites,
        backoff: Backoff,
        model_manager: ModelManager,
        incarnation: str,
        max_bulk_in_flight: int,
        max_attempts: int,
        jobs_per_message: int = JOBS_PER_MESSAGE,
    ) -> None:
        self._ledger = ledger
        self._owed_writes = owed_writes
        self._backoff = backoff
        self._model_manager = model_manager
        self._incarnation = incarnation
        self._max_attempts = max_attempts
        self._jobs_per_message = jobs_per_message
        self._bulk_semaphore = WeightedSemaphore(max_bulk_in_flight)
        # Under load many messages hold one image each. Their concurrent calls to Redis are coalesced.
        self._claims: Coalescer[TaskMessage, list[ClaimedJob]] = Coalescer(self._run_claims)
        self._fetches: Coalescer[str, bytes | None] = Coalescer(store.get)

    def classify(self, message: TaskMessage, on_started: OnStarted = lambda _: None) -> dict[str, int]:
        """Decide the jobs of one message, and others of its queue. Whatever goes wrong, no job stays claimed.

        Args:
            message: The message.
            on_started: Called with the number of images that were put into the pipeline.

        Returns:
            Numbers of jobs by outcome: `verdict`, `refusal` and `failure` were decided; `skipped` were named but not
            claimed, because they are claimed, decided or paused, because Redis refused the claim, or because this
            worker drains; `missing` have no stored image, so it is requested again; `released` were returned to `ready`
            undecided.
        """
        if not self._backoff.wait():
            # To claim and release the jobs would publish the same message again and again. The recovery sweep publishes
            # it once no message is left in the queue.
            return {SKIPPED: len(message.ids)}
        try:
            claimed = self._claim(message)
            counts = self._process(claimed, on_started)
        except ShutdownRequested:
            log.warning("Redis is unavailable at the stop, leaving jobs to the recovery sweep", jobs=list(message.ids))
            return {RELEASED: len(message.ids)}
        except Exception:
            # Released as suspects, so that this counts as an attempt: a job that always fails must come to an end.
            self._owed_writes.release(suspect=True, token=message.token)
            raise
        claimed_ids = {job.id for job in claimed}
        counts[SKIPPED] = sum(id_ not in claimed_ids for id_ in message.ids)
        return {name: count for name, count in counts.items() if count}

    def drain(self) -> None:
        """Finish the batch in flight and release every other job for other workers."""
        self._backoff.close()
        self._bulk_semaphore.close()
        self._model_manager.release()

    @property
    def is_draining(self) -> bool:
        """True after `drain`."""
        return self._backoff.is_closed

    def release_hanging(self, items: Sequence[WorkItem]) -> None:
        """Release jobs whose decode never ends. The next worker decodes them in a child process.

        Their messages go on without them.
        """
        self._owed_writes.release([item.job.id for item in items], suspect=True)
        for item in items:
            item.finish(Released.RELEASED)

    def _process(self, claimed: Sequence[ClaimedJob], on_started: OnStarted) -> "Counter[str]":
        """Decide claimed jobs. Returns the numbers of jobs by outcome."""
        decisions = _Decisions(self._owed_writes, self._backoff, claimed)
        failed: list[DecidedJob] = []
        runnable: list[ClaimedJob] = []
        for job in claimed:
            METRICS.queue_wait.labels(queue=job.queue).observe(job.queued_s)
            reason = self._get_failure_reason(job)
            if reason is None:
                runnable.append(job)
            else:
                failed.append((job.id, Failure(reason=reason)))
        decisions.write(failed)
        decisions.finish()
        for queue in Queue:
            self._process_queue([job for job in runnable if job.queue is queue], queue, decisions, on_started)
        return decisions.counts

    def _claim(self, message: TaskMessage) -> list[ClaimedJob]:
        """Claim the jobs of a message. Returns none if Redis refuses the claim."""
        try:
            try:
                (claimed,) = self._claims.call([message])
            except (KeyError, TypeError, ValueError):
                # The reply to this message, or to another that shared the call, cannot be read.
                (claimed,) = self._run_claims([message], repeat=True)
        except REDIS_ERRORS as error:
            self._backoff.report_failure(error)
            # The script may have claimed some of them before it failed.
            self._owed_writes.release(token=message.token)
            return []
        return claimed

    def _run_claims(self, messages: Sequence[TaskMessage], *, repeat: bool = False) -> list[list[ClaimedJob]]:
        return self._ledger.run(
            transitions.claim(messages, incarnation=self._incarnation, max_jobs=self._jobs_per_message, repeat=repeat)
        )

    def _get_failure_reason(self, job: ClaimedJob) -> FailureReason | None:
        if job.contract != CONTRACT_VERSION:
            return FailureReason.UNKNOWN_CONTRACT
        if job.attempts > self._max_attempts:
            return FailureReason.TOO_MANY_ATTEMPTS
        return None

    def _process_queue(
        self, jobs: Sequence[ClaimedJob], queue: Queue, decisions: "_Decisions", on_started: OnStarted
    ) -> None:
        if not jobs:
            return
        # Bulk jobs wait here, before their images are in memory. Interactive jobs do not wait.
        is_bulk = queue is Queue.BULK
        if is_bulk and not self._bulk_semaphore.acquire(len(jobs)):
            self._release_undecided([job.id for job in jobs], decisions.counts)
            return
        METRICS.in_flight.labels(queue=queue).inc(len(jobs))
        model = self._model_manager.current
        try:
            if is_bulk:
                self._ledger.run(transitions.begin([job.id for job in jobs], incarnation=self._incarnation))
            items = self._put_into_pipeline(jobs, decisions.counts, model)
            on_started(items.count)
            while finished := items.take():
                self._decide_finished(finished, model, decisions)
            decisions.finish()
        except REDIS_ERRORS as error:
            # The store refuses to read, or the ledger to write. That does not count as an attempt at an image.
            self._backoff.report_failure(error)
            self._release_undecided([job.id for job in jobs], decisions.counts)
        finally:
            METRICS.in_flight.labels(queue=queue).dec(len(jobs))
            if is_bulk:
                self._bulk_semaphore.release(len(jobs))

    def _put_into_pipeline(
        self, jobs: Sequence[ClaimedJob], counts: "Counter[str]", model: LoadedModel
    ) -> FinishedItems:
        stored = self._fetches.call([job.id for job in jobs])
        missing = [job.id for job, data in zip(jobs, stored, strict=True) if data is None]
        if missing:
            log.warning("images are missing in the store, requesting them again", images=len(missing))
            self._owed_writes.request_upload(missing)
            counts[MISSING] += len(missing)
        now = time.monotonic()
        finished_items = FinishedItems(len(jobs) - len(missing))
        items = [
            WorkItem(job=job, data=data, message=finished_items, entered_at=now, deadline=now + job.remaining_s)
            for job, data in zip(jobs, stored, strict=True)
            if data is not None
        ]
        for item in items:
            model.pipeline.put(item)
        return finished_items

    def _decide_finished(self, items: Sequence[WorkItem], model: LoadedModel, decisions: "_Decisions") -> None:
        decided: list[DecidedJob] = []
        released: list[str] = []
        for item in items:
            decision = _get_decision(item, model)
            if decision is None:
                released.append(item.job.id)
            else:
                decided.append((item.job.id, decision))
        decisions.write(decided)
        if released:
            self._release_undecided(released, decisions.counts)

    def _release_undecided(self, ids: Sequence[str], counts: "Counter[str]") -> None:
        self._owed_writes.release(ids)
        counts[RELEASED] += len(ids)


class _Decisions:
    """Writes the decisions on the jobs of one message, as they come, and counts them.

    A decision that the ledger refuses does not hold up those that come later.

    Attributes:
        counts: Numbers of jobs by outcome.
    """

    def __init__(self, owed_writes: OwedWrites, backoff: Backoff, claimed: Sequence[ClaimedJob]) -> None:
        self._owed_writes = owed_writes
        self._backoff = backoff
        self._jobs = {job.id: job for job in claimed}
        self._claimed_at = time.monotonic()
        self._owed: list[DecidedJob] = []
        self.counts: Counter[str] = Counter()

    def write(self, decided: Sequence[DecidedJob]) -> None:
        """Write decisions, and those that were refused before."""
        self._owed += decided
        if not self._owed:
            return
        written = self._owed_writes.try_decide(self._owed)
        elapsed_s = time.monotonic() - self._claimed_at
        for id_, decision in self._owed:
            if id_ in written:
                self.counts[decision.kind] += 1
                if written[id_]:
                    job = self._jobs[id_]
                    _count(job, decision, job.age_s + elapsed_s)
        self._owed = [decided for decided in self._owed if decided[0] not in written]
        if not self._owed:
            self._backoff.report_success()

    def finish(self) -> None:
        """Repeat the refused decisions until the ledger has taken all of them."""
        while self._owed:
            self._owed_writes.wait()
            self.write(())


def _count(job: ClaimedJob, decision: Verdict | Refusal | Failure, age_s: float) -> None:
    METRICS.decisions.labels(kind=decision.kind).inc()
    if isinstance(decision, Verdict):
        METRICS.verdicts.labels(band=decision.band, population=decision.population).inc()
        SCORE_DISTRIBUTION.count(decision)
    if isinstance(decision, Refusal):
        METRICS.refusals.labels(reason=decision.reason).inc()
    if isinstance(decision, Failure):
        log.error("job failed and became a dead letter", job=job.id, reason=decision.reason)
    METRICS.end_to_end.labels(queue=job.queue).observe(age_s)


def _get_decision(item: WorkItem, model: LoadedModel) -> Verdict | Refusal | Failure | None:
    """Return the decision on a finished item, None if the item was released. An item that cannot be judged fails."""
    if not isinstance(item.outcome, Prediction):
        return item.outcome if isinstance(item.outcome, Refusal | Failure) else None
    try:
        return model.postprocessor.decide(item.outcome, advice=item.advice, decode_s=item.decode_s)
    except Exception as error:
        log.exception("a prediction cannot be judged, the image fails", job=item.job.id)
        return Failure(reason=FailureReason.PREDICT_FAILED, detail=type(error).__name__)
