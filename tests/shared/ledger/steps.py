"""Steps of the tests of the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from shared.contract.decision import Failure, FailureReason, Refusal, RefusalReason, decision_from_json
from shared.contract.names import Queue, Stage
from shared.ledger import transitions
from shared.ledger.ledger import Ledger
from shared.ledger.records import ClaimedJob, NewJob, PendingDispatch, TaskMessage
from shared.ledger.script_call import KEY_PREFIX

OUTBOX = "bulk:test"
REFUSED = Refusal(reason=RefusalReason.DAMAGED)
FAILED = Failure(reason=FailureReason.DECODE_DIED)


def create_stored(ledger: Ledger, *ids: str, queue: Queue = Queue.BULK, deadline_s: float = 60) -> list[str]:
    pending = ledger.run(
        transitions.create_jobs(
            [NewJob(id_) for id_ in ids], queue=queue, outbox=OUTBOX, language="en", deadline_s=deadline_s, stored=True
        )
    )
    return [job.id for job in pending]


def claim(ledger: Ledger, *ids: str, by: str = "worker-1", token: str = "message-1") -> list[str]:
    ledger.run(transitions.heartbeat(by, lease_s=5))
    return [job.id for job in claimed(ledger, *ids, by=by, token=token)]


def claimed(ledger: Ledger, *ids: str, by: str, token: str = "again") -> list[ClaimedJob]:
    """Claim the named jobs alone."""
    message = TaskMessage(token, Queue.BULK, ids)
    return ledger.run(transitions.claim([message], incarnation=by, max_jobs=0))[0]


def sweep(
    ledger: Ledger, client: Any, *, grace_s: float = 0, lease_s: float = 5, limit: int = 100
) -> list[PendingDispatch]:
    """Sweep although another process may have just swept."""
    client.delete(f"{KEY_PREFIX}last_sweep_at")
    return ledger.run(transitions.recovery_sweep(lease_s=lease_s, grace_s=grace_s, limit=limit)).pending


def expire_lease(ledger: Ledger, incarnation: str) -> None:
    """Set the lease of a process to one that has expired."""
    ledger.run(transitions.heartbeat(incarnation, lease_s=-1))


def decided(ledger: Ledger) -> dict[str, str]:
    jobs = ledger.run(transitions.peek(Stage.DECIDED, outbox=OUTBOX, limit=1000))
    return {job.id: decision_from_json(job.decision).kind for job in jobs}


def create_received(ledger: Ledger, *ids: str, payload: str = "") -> None:
    """Create jobs whose images are not stored yet."""
    ledger.run(
        transitions.create_jobs(
            [NewJob(id_, payload) for id_ in ids],
            queue=Queue.BULK,
            outbox=OUTBOX,
            language="en",
            deadline_s=60,
            stored=False,
        )
    )


def lease(
    ledger: Ledger, stage: Literal[Stage.RECEIVED, Stage.DECIDED] = Stage.DECIDED, *, by: str = "sender"
) -> list[str]:
    return [job.id for job in ledger.run(transitions.lease(stage, outbox=OUTBOX, limit=10, incarnation=by))]


@contextmanager
def at_memory_limit(client: Any) -> Iterator[None]:
    """From now on Redis refuses whatever takes memory, and the scripts that may not run when it is full."""
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)
