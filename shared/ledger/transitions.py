"""Every move of a job, as a `Call`. All of them can be repeated when a reply was lost."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from shared.contract.decision import Failure, FailureReason, Refusal, Verdict
from shared.contract.names import CONTRACT_VERSION, Queue, Stage
from shared.ids import new_token
from shared.ledger.records import ClaimedJob, Counts, JobView, NewJob, OutboxJob, Owed, QueueCount
from shared.ledger.script_call import Call


def open_jobs(
    jobs: Iterable[NewJob], *, queue: Queue, outbox: str, language: str, deadline_s: float, stored: bool
) -> Call[list[Owed]]:
    """Open those of `jobs` that are not there yet, all or none.

    `outbox` names who delivers the answers. With `stored` their pictures already lie in the store and the jobs
    go on to `ready`; the reply names those that are owed a message. Otherwise they wait in `received`.
    """
    pairs = [part for job in jobs for part in (job.id, job.reference)]
    head = (CONTRACT_VERSION, queue, outbox, language, _ms(deadline_s), int(stored))
    return Call("open", (*head, *pairs), lambda ids: [Owed(queue, _text(id_)) for id_ in ids])


def stored(ids: Iterable[str]) -> Call[list[Owed]]:
    """Received -> ready, once the pictures lie in the store."""
    return Call("stored", tuple(ids), _owed)


def claim(wanted: Iterable[tuple[str, str]], *, incarnation: str) -> Call[list[ClaimedJob | None]]:
    """Ready -> claimed, for each (token, id) of `wanted`; None for jobs that are elsewhere.

    So a doubled message does no harm. The token is new for each message in hand; the same one again gets the same
    reply.
    """
    return Call("claim", (incarnation, *(part for pair in wanted for part in pair)), _claimed)


def release(ids: Iterable[str], *, incarnation: str, suspect: bool = False) -> Call[list[Owed]]:
    """Claimed -> ready: a stopping worker gives its jobs back. `suspect` marks one that hung in decode."""
    return Call("release", (incarnation, "ready", int(suspect), *ids), _owed)


def picture_gone(ids: Iterable[str], *, incarnation: str) -> Call[list[Owed]]:
    """Claimed -> received: the store no longer has the pictures, so their owner brings them again."""
    return Call("release", (incarnation, "received", 0, *ids), _owed)


def decide(decisions: Iterable[tuple[str, Verdict | Refusal | Failure]]) -> Call[list[bool]]:
    """-> decided. The first decision of a job stands; the reply says for each whether it was this one.

    A `Failure` is kept as a dead letter.
    """
    parts = [
        part
        for id_, decision in decisions
        for part in (id_, decision.model_dump_json(), int(isinstance(decision, Failure)))
    ]
    return Call("decide", tuple(parts), lambda reply: [flag == 1 for flag in reply])


def peek(stage: Literal[Stage.RECEIVED, Stage.DECIDED], *, outbox: str, limit: int) -> Call[list[OutboxJob]]:
    """Read jobs of an outbox that has one reader. Nothing moves."""
    return Call("look", (stage, outbox, limit, "", ""), _outbox)


def take(
    stage: Literal[Stage.RECEIVED, Stage.DECIDED], *, outbox: str, limit: int, incarnation: str
) -> Call[list[OutboxJob]]:
    """Lease jobs of an outbox that several replicas read. They come back by the sweep if this one dies.

    The same call again gives the same jobs, as far as they are still leased: its first reply may have been lost.
    """
    return Call("look", (stage, outbox, limit, incarnation, new_token()), _outbox)


def put_back(ids: Iterable[str], *, incarnation: str, after_s: float = 0) -> Call[None]:
    """End a lease without success; the jobs are due again after `after_s` seconds."""
    return Call("put_back", (incarnation, _ms(after_s), *ids), _nothing)


def answered(ids: Iterable[str], *, retention_s: float) -> Call[int]:
    """Decided -> answered. The record goes after `retention_s`, at once for 0; a dead letter stays."""
    return Call("close", (Stage.ANSWERED, _ms(retention_s), *ids), int)


def cancel(ids: Iterable[str], *, retention_s: float = 0) -> Call[int]:
    """Any stage but answered -> cancelled: nobody waits for these any more."""
    return Call("close", (Stage.CANCELLED, _ms(retention_s), *ids), int)


def forget(ids: Iterable[str]) -> Call[int]:
    """Delete jobs in whatever stage, dead letters too; returns how many there were."""
    return Call("forget", tuple(ids), int)


def undeliverable(ids: Iterable[str], *, incarnation: str, reason: str) -> Call[int]:
    """Give up delivering decided jobs that `incarnation` holds: they become dead letters that can be replayed."""
    return Call("undeliverable", (incarnation, reason, *ids), int)


def view(ids: Iterable[str]) -> Call[list[JobView | None]]:
    """Look at jobs in whatever stage; None for those that are not there. Nothing moves."""
    return Call("view", tuple(ids), lambda rows: [row and _job_view(*row) for row in rows])


def beat(incarnation: str, *, lease_s: float, speed: float = 0) -> Call[None]:
    """Say that `incarnation` lives for `lease_s` more, and that it can decide `speed` pictures a second."""
    return Call("beat", (incarnation, _ms(lease_s), f"{speed:.3f}"), _nothing)


def sweep(*, lease_s: float, grace_s: float, most: int) -> Call[list[Owed]]:
    """Hand back what the dead held, ring for jobs that no message covers, close what is past its deadline.

    At most `most` jobs of each kind. A message counts as lost no sooner than `grace_s` after it was sent.
    """
    arguments = (
        most,
        _ms(lease_s),
        _ms(grace_s),
        Failure(reason=FailureReason.DEADLINE).model_dump_json(),
        *Queue,
    )
    return Call("sweep", arguments, _owed)


def count() -> Call[Counts]:
    """Where the jobs are now."""
    return Call("count", tuple(Queue), _counts)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _text(raw: bytes) -> str:
    return raw.decode()


def _nothing(_: object) -> None:
    return None


def _owed(reply: Sequence[bytes]) -> list[Owed]:
    return [Owed(Queue(_text(queue)), _text(id_)) for queue, id_ in zip(reply[::2], reply[1::2], strict=True)]


def _claimed(reply: Sequence[Sequence[Any] | None]) -> list[ClaimedJob | None]:
    return [None if row is None else _claimed_job(*row) for row in reply]


def _claimed_job(
    id_: bytes,
    contract: bytes,
    queue: bytes,
    suspect: bytes,
    attempts: int,
    remaining: int,
    age: int,
    queued: int,
) -> ClaimedJob:
    return ClaimedJob(
        id=_text(id_),
        contract=int(contract),
        queue=Queue(_text(queue)),
        suspect=suspect == b"1",
        attempts=attempts,
        remaining_s=remaining / 1000,
        age_s=age / 1000,
        queued_s=queued / 1000,
    )


def _outbox(reply: Sequence[Sequence[bytes]]) -> list[OutboxJob]:
    return [
        OutboxJob(
            id=_text(id_),
            language=_text(language),
            reference=_text(reference),
            decision=decision,
            received_at=int(received_at) / 1000,
            decided_at=int(decided_at) / 1000,
            attempts=int(attempts),
        )
        for id_, language, reference, decision, received_at, decided_at, attempts in reply
    ]


def _job_view(
    stage: bytes, language: bytes, reference: bytes, decision: bytes, received_at: bytes, place: int
) -> JobView:
    return JobView(
        stage=Stage(_text(stage)),
        language=_text(language),
        reference=_text(reference),
        decision=decision,
        received_at=int(received_at) / 1000,
        place=None if place < 0 else place,
    )


def _counts(reply: Sequence[Any]) -> Counts:
    numbers = {_text(name): int(number) for name, number in zip(reply[::2], reply[1::2], strict=True)}
    return Counts(
        queues={
            queue: QueueCount(ready=numbers[f"ready:{queue}"], oldest_s=numbers[f"age:{queue}"] / 1000)
            for queue in Queue
        },
        claimed=numbers["claimed"],
        dead=numbers["dead"],
        incarnations=numbers["incarnations"],
        workers=numbers["workers"],
        speed=numbers["speed"] / 1000,
    )
