"""Records that the ledger takes in and returns. Times are in seconds; points in time are on the ledger's clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contract.names import FOLDER_RUN_PREFIX, FOLDER_RUNS, Queue, Stage


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to create. `payload` is JSON that only its owner reads."""

    id: str
    payload: str = ""


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """A Celery message that a worker has taken. `token` is its id, new for each message."""

    token: str
    queue: Queue
    ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker has claimed.

    A `suspect` job is a suspected poison message: an earlier worker died, hung or failed with it, so it is decoded
    in a child process. `remaining_s` is the time to its deadline, `age_s` the time since it was received, `queued_s`
    the time since it last became ready.
    """

    id: str
    contract: int
    queue: Queue
    suspect: bool
    attempts: int
    remaining_s: float
    age_s: float
    queued_s: float


@dataclass(frozen=True, slots=True)
class OutboxJob:
    """A job as the owner of its outbox sees it. `decision` is JSON, empty before there is one."""

    id: str
    language: str
    payload: str
    decision: bytes
    received_at: float
    decided_at: float
    attempts: int


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as its owner may see it in any stage.

    `decision` is JSON, empty before there is one. `queue_position` is the number of jobs before it in its queue, None
    if it is not ready.
    """

    stage: Stage
    language: str
    payload: str
    decision: bytes
    received_at: float
    queue_position: int | None


@dataclass(frozen=True, slots=True)
class PendingDispatch:
    """A ready job for which a message is owed."""

    queue: Queue
    id: str


@dataclass(frozen=True, slots=True)
class SweptJobs:
    """Result of a recovery sweep.

    `found` is the number of jobs whose process was dead or whose message was lost, `pending` those of them for which a
    message is owed, `expired` the ids of jobs that missed their deadline.
    """

    pending: list[PendingDispatch]
    found: int
    expired: list[str]


@dataclass(frozen=True, slots=True)
class StoredImages:
    """Result of telling the ledger that images are stored.

    `pending` are jobs that became ready and for which a message is owed. `unused` are the ids of images that no job
    needs, because it was deleted, cancelled or answered meanwhile: the caller deletes them.
    """

    pending: list[PendingDispatch]
    unused: list[str]


@dataclass(frozen=True, slots=True)
class DroppedDeadLetters:
    """Number of dropped dead letters, and the ids of those whose jobs were deleted."""

    count: int
    deleted: list[str]


@dataclass(frozen=True, slots=True)
class QueueCount:
    """Number of ready jobs in one queue, the age of the first of them, and whether an operator has paused the queue."""

    ready: int
    oldest_s: float
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of ready and claimed jobs, dead letters, live processes and workers; throughput of all workers."""

    queues: dict[Queue, QueueCount]
    claimed: int
    dead_letters: int
    incarnations: int
    workers: int
    images_per_second: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue: number of ready jobs, age of the oldest, time since it was paused or None."""

    ready: int
    oldest_s: float
    paused_s: float | None


@dataclass(frozen=True, slots=True)
class OutboxState:
    """Numbers of jobs that wait for the owner of an outbox, to upload an image or to deliver a decision.

    `oldest_undelivered_s` is the age of the decision that waits longest for delivery, 0 if there is none.
    """

    name: str
    received: int
    decided: int
    oldest_undelivered_s: float = 0.0

    @property
    def kind(self) -> str:
        """Its name, and `bulk` for each folder run."""
        return FOLDER_RUNS if self.name.startswith(FOLDER_RUN_PREFIX) else self.name


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A live process: time left of its lease, number of jobs in flight, and what a worker serves (JSON or '')."""

    incarnation: str
    lease_left_s: float
    in_flight: int
    serving: str

    @property
    def role(self) -> str:
        """The kind of process: `worker`, `bulk`, ..."""
        return self.incarnation.rpartition("-")[0]


@dataclass(frozen=True, slots=True)
class LedgerOverview:
    """The whole ledger in numbers.

    `time_s` is the ledger's clock, `undecided` the number of jobs without a decision in any stage.
    `dead_letter_counts` says how many jobs have ever become dead letters, by kind of outbox and reason.
    """

    time_s: float
    queues: dict[Queue, QueueState]
    outboxes: tuple[OutboxState, ...]
    processes: tuple[ProcessInfo, ...]
    claimed: int
    undecided: int
    dead_letters: int
    dead_letter_counts: dict[tuple[str, str], int]

    @property
    def undelivered_ages_s(self) -> dict[str, float]:
        """Age of the decision that waits longest for delivery, by kind of outbox."""
        ages: dict[str, float] = {}
        for outbox in self.outboxes:
            ages[outbox.kind] = max(ages.get(outbox.kind, 0.0), outbox.oldest_undelivered_s)
        return ages

    @property
    def stages(self) -> dict[Stage, int]:
        """Number of jobs by stage. Jobs that a process has leased from an outbox and answered jobs are not counted."""
        return {
            Stage.RECEIVED: sum(outbox.received for outbox in self.outboxes),
            Stage.READY: sum(queue.ready for queue in self.queues.values()),
            Stage.CLAIMED: self.claimed,
            Stage.DECIDED: sum(outbox.decided for outbox in self.outboxes),
        }


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that the service could not decide or deliver. `decision` is JSON."""

    id: str
    stage: Stage
    queue: Queue
    outbox: str
    attempts: int
    age_s: float
    decision: bytes


@dataclass(frozen=True, slots=True)
class JobEvent:
    """An event in the history of a job: name, process or '', and time since the job was received."""

    name: str
    incarnation: str
    after_s: float


@dataclass(frozen=True, slots=True)
class JobHistory:
    """The record of a job, without its payload. `decision` is JSON, empty before there is one.

    `is_truncated` says that the beginning of a long history was dropped.
    """

    id: str
    stage: Stage
    queue: str
    outbox: str
    holder: str
    attempts: int
    suspect: bool
    contract: int
    received_at: float
    deadline: float
    decision: bytes
    events: tuple[JobEvent, ...]
    is_truncated: bool
