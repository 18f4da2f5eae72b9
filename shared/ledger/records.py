"""What the ledger gives back and takes in."""

from dataclasses import dataclass

from shared.contract.names import Queue, Stage


@dataclass(frozen=True, slots=True)
class NewJob:
    """A photograph to be opened. `reference` is its owner's note to self (JSON); no one else reads it."""

    id: str
    payload: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that this worker holds now. Times in seconds.

    `suspect` says that an earlier worker died or hung with it, so it is decoded out of process. `remaining_s`
    is the time to its deadline, `age_s` the time since it was received, `queued_s` since its bell was rung.
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
    """A job as the owner of its outbox sees it. Times in seconds of Redis' clock, `decision` as JSON."""

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

    `decision` is JSON, empty before there is one; `received_at` in seconds of Redis' clock; `place` says how many wait
    before it in its queue, None where it does not wait there.
    """

    stage: Stage
    language: str
    payload: str
    decision: bytes
    received_at: float
    queue_position: int | None


@dataclass(frozen=True, slots=True)
class PendingDispatch:
    """A job that is `ready` and whose message has still to be sent."""

    queue: Queue
    id: str


@dataclass(frozen=True, slots=True)
class QueueCount:
    """Jobs ready in one queue, and the age of the one that waits longest, in seconds."""

    ready: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the jobs are, how many processes live, how many of them are workers and what they predict a second."""

    queues: dict[Queue, QueueCount]
    claimed: int
    dead_letters: int
    incarnations: int
    workers: int
    images_per_second: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue: jobs `ready`, age of the oldest in seconds, seconds since it was paused or None."""

    ready: int
    oldest_s: float
    paused_s: float | None


@dataclass(frozen=True, slots=True)
class OutboxState:
    """Jobs that wait for the owner of an outbox: for it to bring their picture, or to deliver their decision."""

    name: str
    received: int
    decided: int


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A live incarnation: seconds left of its lease, jobs that it holds, and what a worker serves (JSON or '')."""

    incarnation: str
    lease_left_s: float
    in_flight: int
    serving: str

    @property
    def role(self) -> str:
        """The part of its name that says what it is: `worker`, `bulk`, ..."""
        return self.incarnation.rpartition("-")[0]


@dataclass(frozen=True, slots=True)
class LedgerOverview:
    """The whole ledger in numbers. `undecided` are all jobs that still wait for a decision, wherever they are.

    `at` is Redis' clock in seconds; `oldest_undelivered_s` the age of the decision that waits longest for delivery.
    """

    time_s: float
    queues: dict[Queue, QueueState]
    outboxes: tuple[OutboxState, ...]
    processes: tuple[ProcessInfo, ...]
    claimed: int
    undecided: int
    dead_letters: int
    oldest_undelivered_s: float

    @property
    def stages(self) -> dict[Stage, int]:
        """Jobs in each stage that is counted; answered ones are gone or only wait to be forgotten."""
        return {
            Stage.RECEIVED: sum(outbox.received for outbox in self.outboxes),
            Stage.READY: sum(queue.ready for queue in self.queues.values()),
            Stage.CLAIMED: self.claimed,
            Stage.DECIDED: sum(outbox.decided for outbox in self.outboxes),
        }


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that the service could not decide; `died_s` seconds ago, `decision` as JSON."""

    id: str
    stage: Stage
    queue: Queue
    outbox: str
    attempts: int
    age_s: float
    decision: bytes


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that happened to a job: `what`, by whom where that is known, `after_s` it was received."""

    name: str
    incarnation: str
    after_s: float


@dataclass(frozen=True, slots=True)
class JobHistory:
    """What the ledger knows of a job. Times in seconds of Redis' clock, `decision` as JSON, empty for none.

    `cut` says that the beginning of a long life is forgotten.
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
