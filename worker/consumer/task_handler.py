"""Handles one Celery message: claims its jobs, fetches their images, runs the pipeline and writes the decisions."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from shared.coalescing.threads import Coalescer
from shared.contract.decision import Failure, FailureReason, Refusal, Verdict
from shared.contract.names import CONTRACT_VERSION, Queue
from shared.image_store.store import ImageStore
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import ClaimedJob
from shared.redis_client.retry import ShutdownRequested
from worker.batching.weighted_semaphore import WeightedSemaphore
from worker.batching.work_item import CountDownLatch, Prediction, Released, WorkItem
from worker.consumer.backoff import Backoff
from worker.consumer.owed_writes import REDIS_ERRORS, DecidedJob, OwedWrites
from worker.serving.model_manager import LoadedModel, ModelManager
from worker.telemetry.metrics import METRICS
from worker.telemetry.score_distribution import SCORE_DISTRIBUTION

log = structlog.get_logger(__name__)

#: Id of the message and id of the job.
ClaimRequest = tuple[str, str]

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
    ) -> None:
        self._ledger = ledger
        self._owed_writes = owed_writes
        self._backoff = backoff
        self._model_manager = model_manager
        self._incarnation = incarnation
        self._max_attempts = max_attempts
        self._bulk_semaphore = WeightedSemaphore(max_bulk_in_flight)
        # Under load many messages hold one image each. Their concurrent calls to Redis are coalesced.
        self._claims: Coalescer[ClaimRequest, ClaimedJob | None] = Coalescer(self._run_claims)
        self._fetches: Coalescer[str, bytes | None] = Coalescer(store.get)

    def classify(self, ids: Sequence[str], *, token: str) -> dict[str, int]:
        """Decide the jobs of one message. Whatever goes wrong, no job stays claimed.

        Args:
            ids: Jobs of the message.
            token: Id of the message.

        Returns:
            Numbers of jobs by outcome: `verdict`, `refusal` and `failure` were decided; `skipped` were not claimed,
            because they are claimed, decided or paused, because Redis refused the claim, or because this worker drains;
            `missing` have no stored image, so it is requested again; `released` were returned to `ready` undecided.
        """
        if not self._backoff.wait():
            # To claim and release the jobs would publish the same message again and again. The recovery sweep publishes
            # it once no message is left in the queue or a later job was claimed.
            return {SKIPPED: len(ids)}
        claimed_ids = list(ids)
        try:
            claimed = self._claim(ids, token)
            claimed_ids = [job.id for job in claimed]
            counts = self._process(claimed)
        except ShutdownRequested:
            log.warning("Redis is unavailable at the stop, leaving jobs to the recovery sweep", jobs=len(claimed_ids))
            return {RELEASED: len(ids)}
        except Exception:
            # Released as suspects, so that this counts as an attempt: a job that always fails must come to an end.
            self._owed_writes.release(claimed_ids, suspect=True)
            raise
        counts[SKIPPED] = len(ids) - len(claimed)
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

    def _process(self, claimed: Sequence[ClaimedJob]) -> "Counter[str]":
        """Decide claimed jobs. Returns the numbers of jobs by outcome."""
        claimed_at = time.monotonic()
        counts: Counter[str] = Counter()
        decided: list[DecidedJob] = []
        runnable: list[ClaimedJob] = []
        for job in claimed:
            METRICS.queue_wait.labels(queue=job.queue).observe(job.queued_s)
            reason = self._get_failure_reason(job)
            if reason is None:
                runnable.append(job)
            else:
                decided.append((job.id, Failure(reason=reason)))
        for queue in Queue:
            self._process_queue([job for job in runnable if job.queue is queue], queue, decided, counts)
        ages = {job.id: (job.queue, job.age_s + time.monotonic() - claimed_at) for job in claimed}
        self._decide(decided, ages, counts)
        if decided:
            self._backoff.report_success()
        return counts

    def _claim(self, ids: Sequence[str], token: str) -> list[ClaimedJob]:
        """Claim the jobs of a message. Returns none if Redis refuses the claim."""
        requests = [(token, id_) for id_ in ids]
        try:
            try:
                claimed = self._claims.call(requests)
            except (KeyError, TypeError, ValueError):
                # The reply to this message, or to another that shared the call, cannot be read. The same token again
                # gets the same reply.
                claimed = self._run_claims(requests)
        except REDIS_ERRORS as error:
            self._backoff.report_failure(error)
            # The script may have claimed some of them before it failed.
            self._owed_writes.release(ids)
            return []
        return [job for job in claimed if job is not None]

    def _run_claims(self, requests: Sequence[ClaimRequest]) -> list[ClaimedJob | None]:
        return self._ledger.run(transitions.claim(requests, incarnation=self._incarnation))

    def _get_failure_reason(self, job: ClaimedJob) -> FailureReason | None:
        if job.contract != CONTRACT_VERSION:
            return FailureReason.UNKNOWN_CONTRACT
        if job.attempts > self._max_attempts:
            return FailureReason.TOO_MANY_ATTEMPTS
        return None

    def _process_queue(
        self, jobs: Sequence[ClaimedJob], queue: Queue, decided: list[DecidedJob], counts: "Counter[str]"
    ) -> None:
        if not jobs:
            return
        # Bulk jobs wait here, before their images are in memory. Interactive jobs do not wait.
        is_bulk = queue is Queue.BULK
        if is_bulk and not self._bulk_semaphore.acquire(len(jobs)):
            self._release_undecided([job.id for job in jobs], counts)
            return
        METRICS.in_flight.labels(queue=queue).inc(len(jobs))
        model = self._model_manager.current
        try:
            if is_bulk:
                self._ledger.run(transitions.begin([job.id for job in jobs], incarnation=self._incarnation))
            items = self._run_pipeline(jobs, counts, model)
        except REDIS_ERRORS as error:
            # The store refuses to read, or the ledger to write. That is no attempt at an image.
            self._backoff.report_failure(error)
            self._release_undecided([job.id for job in jobs], counts)
            return
        finally:
            METRICS.in_flight.labels(queue=queue).dec(len(jobs))
            if is_bulk:
                self._bulk_semaphore.release(len(jobs))
        released = []
        for item in items:
            decision = _get_decision(item, model)
            if decision is None:
                released.append(item.job.id)
            else:
                decided.append((item.job.id, decision))
        if released:
            self._release_undecided(released, counts)

    def _run_pipeline(self, jobs: Sequence[ClaimedJob], counts: "Counter[str]", model: LoadedModel) -> list[WorkItem]:
        stored = self._fetches.call([job.id for job in jobs])
        missing = [job.id for job, data in zip(jobs, stored, strict=True) if data is None]
        if missing:
            log.warning("images are missing in the store, requesting them again", images=len(missing))
            self._owed_writes.request_upload(missing)
            counts[MISSING] += len(missing)
        now = time.monotonic()
        latch = CountDownLatch(len(jobs) - len(missing))
        items = [
            WorkItem(job=job, data=data, latch=latch, entered_at=now, deadline=now + job.remaining_s)
            for job, data in zip(jobs, stored, strict=True)
            if data is not None
        ]
        for item in items:
            model.pipeline.put(item)
        latch.wait()
        return items

    def _decide(
        self, decided: Sequence[DecidedJob], ages: Mapping[str, tuple[Queue, float]], counts: "Counter[str]"
    ) -> None:
        if not decided:
            return
        accepted = self._owed_writes.decide(decided)
        for (id_, decision), is_first in zip(decided, accepted, strict=True):
            counts[decision.kind] += 1
            if not is_first:
                continue
            METRICS.decisions.labels(kind=decision.kind).inc()
            if isinstance(decision, Verdict):
                METRICS.verdicts.labels(band=decision.band, population=decision.population).inc()
                SCORE_DISTRIBUTION.count(decision)
            if isinstance(decision, Refusal):
                METRICS.refusals.labels(reason=decision.reason).inc()
            if isinstance(decision, Failure):
                log.error("job failed and became a dead letter", job=id_, reason=decision.reason)
            queue, age_s = ages[id_]
            METRICS.end_to_end.labels(queue=queue).observe(age_s)

    def _release_undecided(self, ids: Sequence[str], counts: "Counter[str]") -> None:
        self._owed_writes.release(ids)
        counts[RELEASED] += len(ids)


def _get_decision(item: WorkItem, model: LoadedModel) -> Verdict | Refusal | Failure | None:
    """Return the decision on a finished item, None if the item was released. An item that cannot be judged fails."""
    if not isinstance(item.outcome, Prediction):
        return item.outcome if isinstance(item.outcome, Refusal | Failure) else None
    try:
        return model.postprocessor.decide(item.outcome, advice=item.advice, decode_s=item.decode_s)
    except Exception as error:
        log.exception("a prediction cannot be judged, the image fails", job=item.job.id)
        return Failure(reason=FailureReason.PREDICT_FAILED, detail=type(error).__name__)
