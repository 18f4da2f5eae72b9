"""Every move of a job, as a `Call`. All of them can be repeated when a reply was lost."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from shared.contract.decision import Failure, FailureReason, Refusal, Verdict
from shared.contract.names import CONTRACT_VERSION, Queue, Stage
from shared.ids import new_token
from shared.ledger.records import ClaimedJob, Counts, JobView, NewJob, OutboxJob, PendingDispatch, QueueCount
from shared.ledger.script_call import ScriptCall


def create_jobs(
    jobs: Iterable[NewJob], *, queue: Queue, outbox: str, language: str, deadline_s: float, stored: bool
) -> ScriptCall[list[PendingDispatch]]:
    """Open those of `jobs` that are not there yet, all or none.

    `outbox` names who delivers the answers. With `stored` their pictures already lie in the store and the jobs
    go on to `ready`; the reply names those that are owed a message. Otherwise they wait in `received`.
    """
    pairs = [part for job in jobs for part in (job.id, job.payload)]
    head = (CONTRACT_VERSION, queue, outbox, language, _ms(deadline_s), int(stored))
    return ScriptCall("open", (*head, *pairs), lambda ids: [PendingDispatch(queue, _text(id_)) for id_ in ids])


def mark_ready(ids: Iterable[str]) -> ScriptCall[list[PendingDispatch]]:
    """Received -> ready, once the pictures lie in the store."""
    return ScriptCall("stored", tuple(ids), _owed)


def claim(requests: Iterable[tuple[str, str]], *, incarnation: str) -> ScriptCall[list[ClaimedJob | None]]:
    """Ready -> claimed, for each (token, id) of `wanted`; None for jobs that are elsewhere.

    So a doubled message does no harm. The token is new for each message in hand; the same one again gets the same
    reply.
    """
    return ScriptCall("claim", (incarnation, *(part for pair in requests for part in pair)), _claimed)


def release(ids: Iterable[str], *, incarnation: str, suspect: bool = False) -> ScriptCall[list[PendingDispatch]]:
    """Claimed -> ready: a stopping worker gives its jobs back. `suspect` marks one that hung in decode."""
    return ScriptCall("release", (incarnation, "ready", int(suspect), *ids), _owed)


def request_upload(ids: Iterable[str], *, incarnation: str) -> ScriptCall[list[PendingDispatch]]:
    """Claimed -> received: the store no longer has the pictures, so their owner brings them again."""
    return ScriptCall("release", (incarnation, "received", 0, *ids), _owed)


def decide(decisions: Iterable[tuple[str, Verdict | Refusal | Failure]]) -> ScriptCall[list[bool]]:
    """-> decided. The first decision of a job stands; the reply says for each whether it was this one.

    A `Failure` is kept as a dead letter.
    """
    parts = [
        part
        for id_, decision in decisions
        for part in (id_, decision.model_dump_json(), int(isinstance(decision, Failure)))
    ]
    return ScriptCall("decide", tuple(parts), lambda reply: [flag == 1 for flag in reply])


def peek(stage: Literal[Stage.RECEIVED, Stage.DECIDED], *, outbox: str, limit: int) -> ScriptCall[list[OutboxJob]]:
    """Read jobs of an outbox that has one reader. Nothing moves."""
    return ScriptCall("look", (stage, outbox, limit, "", ""), _outbox)


def lease(
    stage: Literal[Stage.RECEIVED, Stage.DECIDED], *, outbox: str, limit: int, incarnation: str
) -> ScriptCall[list[OutboxJob]]:
    """Lease jobs of an outbox that several replicas read. They come back by the sweep if this one dies.

    The same call again gives the same jobs, as far as they are still leased: its first reply may have been lost.
    """
    return ScriptCall("look", (stage, outbox, limit, incarnation, new_token()), _outbox)


def requeue(ids: Iterable[str], *, incarnation: str, after_s: float = 0) -> ScriptCall[None]:
    """End a lease without success; the jobs are due again after `after_s` seconds."""
    return ScriptCall("put_back", (incarnation, _ms(after_s), *ids), _nothing)


def complete(ids: Iterable[str], *, retention_s: float) -> ScriptCall[int]:
    """Decided -> answered. The record goes after `retention_s`, at once for 0; a dead letter stays."""
    return ScriptCall("close", (Stage.ANSWERED, _ms(retention_s), *ids), int)


def cancel(ids: Iterable[str], *, retention_s: float = 0) -> ScriptCall[int]:
    """Any stage but answered -> cancelled: nobody waits for these any more."""
    return ScriptCall("close", (Stage.CANCELLED, _ms(retention_s), *ids), int)


def delete(ids: Iterable[str]) -> ScriptCall[int]:
    """Delete jobs in whatever stage, dead letters too; returns how many there were."""
    return ScriptCall("forget", tuple(ids), int)


def dead_letter(ids: Iterable[str], *, incarnation: str, reason: str) -> ScriptCall[int]:
    """Give up delivering decided jobs that `incarnation` holds: they become dead letters that can be replayed."""
    return ScriptCall("undeliverable", (incarnation, reason, *ids), int)


def get_jobs(ids: Iterable[str]) -> ScriptCall[list[JobView | None]]:
    """Look at jobs in whatever stage; None for those that are not there. Nothing moves."""
    return ScriptCall("view", tuple(ids), lambda rows: [row and _job_view(*row) for row in rows])


def heartbeat(incarnation: str, *, lease_s: float, images_per_second: float = 0) -> ScriptCall[None]:
    """Say that `incarnation` lives for `lease_s` more, and that it can decide `speed` pictures a second."""
    return ScriptCall("beat", (incarnation, _ms(lease_s), f"{images_per_second:.3f}"), _nothing)


def recovery_sweep(*, lease_s: float, grace_s: float, limit: int) -> ScriptCall[list[PendingDispatch]]:
    """Hand back what the dead held, ring for jobs that no message covers, close what is past its deadline.

    At most `most` jobs of each kind. A message counts as lost no sooner than `grace_s` after it was sent.
    """
    arguments = (
        limit,
        _ms(lease_s),
        _ms(grace_s),
        Failure(reason=FailureReason.DEADLINE).model_dump_json(),
        *Queue,
    )
    return ScriptCall("sweep", arguments, _owed)


def get_counts() -> ScriptCall[Counts]:
    """Where the jobs are now."""
    return ScriptCall("count", tuple(Queue), _counts)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _text(raw: bytes) -> str:
    return raw.decode()


def _nothing(_: object) -> None:
    return None


def _owed(reply: Sequence[bytes]) -> list[PendingDispatch]:
    return [
        PendingDispatch(Queue(_text(queue)), _text(id_)) for queue, id_ in zip(reply[::2], reply[1::2], strict=True)
    ]


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
            payload=_text(reference),
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
        payload=_text(reference),
        decision=decision,
        received_at=int(received_at) / 1000,
        queue_position=None if place < 0 else place,
    )


def _counts(reply: Sequence[Any]) -> Counts:
    numbers = {_text(name): int(number) for name, number in zip(reply[::2], reply[1::2], strict=True)}
    return Counts(
        queues={
            queue: QueueCount(ready=numbers[f"ready:{queue}"], oldest_s=numbers[f"age:{queue}"] / 1000)
            for queue in Queue
        },
        claimed=numbers["claimed"],
        dead_letters=numbers["dead"],
        incarnations=numbers["incarnations"],
        workers=numbers["workers"],
        images_per_second=numbers["speed"] / 1000,
    )
