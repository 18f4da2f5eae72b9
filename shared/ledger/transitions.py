"""Calls that move a job from stage to stage or read it. Each can be repeated when its reply was lost."""

from collections.abc import Iterable
from typing import Literal

from shared.contract.decision import Failure, FailureReason, Refusal, Verdict
from shared.contract.names import CONTRACT_VERSION, Queue, Stage
from shared.ids import new_token
from shared.ledger import replies
from shared.ledger.records import (
    ClaimedJob,
    Counts,
    JobView,
    NewJob,
    OutboxJob,
    PendingDispatch,
    StoredImages,
    SweptJobs,
    TaskMessage,
)
from shared.ledger.script_call import JOBS_PER_MESSAGE, ScriptCall, to_ms


def create_jobs(
    jobs: Iterable[NewJob], *, queue: Queue, outbox: str, language: str, deadline_s: float, stored: bool
) -> ScriptCall[list[PendingDispatch]]:
    """Create those of `jobs` that do not exist yet, in one atomic step.

    Args:
        jobs: The jobs, with the payload of their owner.
        queue: The Celery queue of their messages.
        outbox: Names the reader that delivers the answers.
        language: Language of the answers.
        deadline_s: A job without a decision fails after this many seconds.
        stored: True if the images are in the store already: then the jobs, new or `received`, become `ready`.

    Returns:
        Jobs that became ready and for which a message is owed. Messages that wait already cover the others.
    """
    pairs = [part for job in jobs for part in (job.id, job.payload)]
    head = (CONTRACT_VERSION, queue, outbox, language, to_ms(deadline_s), int(stored))
    return ScriptCall("create_jobs", (*head, *pairs), lambda reply: replies.decode_ids(reply, queue))


def mark_ready(ids: Iterable[str]) -> ScriptCall[StoredImages]:
    """Received -> ready, once the images are in the store. The caller deletes the images that no job needs."""
    return ScriptCall("mark_ready", tuple(ids), replies.decode_stored_images)


def claim(
    messages: Iterable[TaskMessage], *, incarnation: str, max_jobs: int = JOBS_PER_MESSAGE, repeat: bool = False
) -> ScriptCall[list[list[ClaimedJob]]]:
    """Ready -> claimed, for messages that a worker has taken.

    A message claims those of its jobs that are ready, and its share of the other ready jobs of its queue, the oldest
    first: their number divided by the number of messages that wait. A duplicate message therefore claims nothing while
    others wait for as many jobs.

    Args:
        messages: The messages, at least one.
        incarnation: The worker.
        max_jobs: Maximum number of jobs of a message that names fewer.
        repeat: The last reply could not be read. It is repeated, and no further jobs are claimed. A lost reply is
            repeated without this, if the next call of this worker begins with the same message.

    Returns:
        The claimed jobs of each message. Bulk jobs then wait in the worker until `begin`.
    """
    parts: list[str | int] = []
    for message in messages:
        parts += [message.token, message.queue, len(message.ids), *message.ids]
    return ScriptCall("claim", (incarnation, Queue.BULK, max_jobs, int(repeat), *parts), replies.decode_claimed)


def begin(ids: Iterable[str], *, incarnation: str) -> ScriptCall[None]:
    """Note that a worker begins with claimed bulk jobs: if it dies before, they are no suspects."""
    return ScriptCall("begin", (incarnation, *ids), replies.decode_nothing)


def release(
    ids: Iterable[str], *, incarnation: str, suspect: bool = False, token: str = ""
) -> ScriptCall[list[PendingDispatch]]:
    """Claimed -> ready: a worker releases jobs.

    Args:
        ids: The jobs.
        incarnation: The worker.
        suspect: The jobs hung or failed: that is an attempt.
        token: Also release what the worker has claimed with the message of this token.

    Returns:
        Jobs for which a message is owed.
    """
    return ScriptCall("release", (incarnation, "ready", int(suspect), token, *ids), replies.decode_pending)


def request_upload(ids: Iterable[str], *, incarnation: str) -> ScriptCall[list[PendingDispatch]]:
    """Claimed -> received: the store lost the images, so the owner uploads them again."""
    return ScriptCall("release", (incarnation, "received", 0, "", *ids), replies.decode_pending)


def decide(decisions: Iterable[tuple[str, Verdict | Refusal | Failure]]) -> ScriptCall[list[bool]]:
    """-> decided. The first write wins; the reply says for each decision whether it was kept.

    A `Failure` becomes a dead letter.
    """
    parts = [
        part
        for id_, decision in decisions
        for part in (id_, decision.model_dump_json(), int(isinstance(decision, Failure)))
    ]
    return ScriptCall("decide", tuple(parts), replies.decode_flags)


def peek(stage: Literal[Stage.RECEIVED, Stage.DECIDED], *, outbox: str, limit: int) -> ScriptCall[list[OutboxJob]]:
    """Read jobs of an outbox that has one reader. Changes nothing."""
    return ScriptCall("read_outbox", (stage, outbox, limit, "", ""), replies.decode_outbox_jobs)


def lease(
    stage: Literal[Stage.RECEIVED, Stage.DECIDED], *, outbox: str, limit: int, incarnation: str
) -> ScriptCall[list[OutboxJob]]:
    """Lease jobs of an outbox that several replicas read. If this process dies, the recovery sweep ends the lease.

    The same call again returns those of the jobs that are still leased: its first reply may have been lost.
    """
    return ScriptCall("read_outbox", (stage, outbox, limit, incarnation, new_token()), replies.decode_outbox_jobs)


def requeue(ids: Iterable[str], *, incarnation: str, after_s: float = 0) -> ScriptCall[None]:
    """End a lease without success; the jobs are due again after `after_s` seconds."""
    return ScriptCall("requeue", (incarnation, to_ms(after_s), *ids), replies.decode_nothing)


def complete(ids: Iterable[str], *, retention_s: float) -> ScriptCall[int]:
    """Decided -> answered. The record is deleted after `retention_s`, at once for 0; a dead letter stays."""
    return ScriptCall("finish", (Stage.ANSWERED, to_ms(retention_s), *ids), int)


def cancel(ids: Iterable[str], *, retention_s: float = 0) -> ScriptCall[int]:
    """Any stage but answered -> cancelled: the owner needs no decision any more."""
    return ScriptCall("finish", (Stage.CANCELLED, to_ms(retention_s), *ids), int)


def delete(ids: Iterable[str]) -> ScriptCall[int]:
    """Delete jobs in any stage, dead letters too. Returns how many existed."""
    return ScriptCall("delete", tuple(ids), int)


def dead_letter(ids: Iterable[str], *, incarnation: str, reason: str) -> ScriptCall[int]:
    """Give up the delivery of decided jobs that `incarnation` holds: they become dead letters that can be replayed."""
    return ScriptCall("dead_letter", (incarnation, reason, *ids), int)


def get_jobs(ids: Iterable[str]) -> ScriptCall[list[JobView | None]]:
    """Read jobs in any stage; None for an unknown job. Changes nothing."""
    return ScriptCall("get_jobs", tuple(ids), replies.decode_job_views)


def heartbeat(incarnation: str, *, lease_s: float, images_per_second: float = 0) -> ScriptCall[None]:
    """Renew the lease of `incarnation` for `lease_s` and report its throughput, 0 for other than workers."""
    return ScriptCall("heartbeat", (incarnation, to_ms(lease_s), f"{images_per_second:.3f}"), replies.decode_nothing)


def recovery_sweep(*, lease_s: float, grace_s: float, limit: int) -> ScriptCall[SweptJobs]:
    """Requeue jobs of dead processes, find jobs whose message was lost, fail jobs past their deadline.

    Args:
        lease_s: If no process swept for longer, Redis was unavailable, and every process gets a new lease.
        grace_s: A message does not count as lost sooner than this after it was sent.
        limit: Maximum number of jobs of each kind.

    Returns:
        The jobs for which a message is owed, how many were found, and those that missed their deadline.
    """
    too_late = Failure(reason=FailureReason.DEADLINE).model_dump_json()
    return ScriptCall("recovery_sweep", (limit, to_ms(lease_s), to_ms(grace_s), too_late, *Queue), replies.decode_swept)


def get_counts() -> ScriptCall[Counts]:
    """Count ready and claimed jobs, dead letters and live processes."""
    return ScriptCall("get_counts", tuple(Queue), replies.decode_counts)
