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
