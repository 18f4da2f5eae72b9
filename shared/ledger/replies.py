"""Decodes the raw replies of the ledger's scripts. Rows come in the order that each script's header names."""

from collections.abc import Sequence
from typing import Any

from shared.contract.names import Queue, Stage
from shared.ledger.records import (
    ClaimedJob,
    Counts,
    DeadLetter,
    DroppedDeadLetters,
    JobEvent,
    JobHistory,
    JobView,
    LedgerOverview,
    OutboxJob,
    OutboxState,
    PendingDispatch,
    ProcessInfo,
    QueueCount,
    QueueState,
    StoredImages,
    SweptJobs,
)


def decode_nothing(_: object) -> None:
    """Ignore the reply of a script that returns nothing."""


def decode_flag(reply: int) -> bool:
    """Decode 1 as true, 0 as false."""
    return reply == 1


def decode_flags(reply: Sequence[int]) -> list[bool]:
    """Decode each 1 as true, each 0 as false."""
    return [flag == 1 for flag in reply]


def decode_ids(reply: Sequence[bytes], queue: Queue) -> list[PendingDispatch]:
    """Ids of jobs of one queue."""
    return [PendingDispatch(queue, _text(id_)) for id_ in reply]


def decode_pending(reply: Sequence[bytes]) -> list[PendingDispatch]:
    """Alternating queues and ids."""
    return [PendingDispatch(Queue(queue), id_) for queue, id_ in _pairs(reply)]


def decode_stored_images(reply: Sequence[Sequence[bytes]]) -> StoredImages:
    """Queues and ids of the jobs that became ready, then ids of unused images."""
    pending, unused = reply
    return StoredImages(decode_pending(pending), [_text(id_) for id_ in unused])


def decode_dropped(reply: Sequence[Any]) -> DroppedDeadLetters:
    """The number of dropped dead letters, then ids of the deleted jobs."""
    count, *deleted = reply
    return DroppedDeadLetters(count, [_text(id_) for id_ in deleted])


def decode_replayed(reply: Sequence[Any]) -> tuple[int, list[PendingDispatch]]:
    """The number of replayed jobs, then queues and ids of those that await a message."""
    count, *pending = reply
    return count, decode_pending(pending)


def decode_swept(reply: Sequence[Any]) -> SweptJobs:
    """Queues and ids of jobs for which a message is owed, a number, then ids of jobs that missed their deadline."""
    pending, found, expired = reply
    return SweptJobs(decode_pending(pending), found, [_text(id_) for id_ in expired])


def decode_page(reply: tuple[bytes, Sequence[bytes]]) -> tuple[str, list[str]]:
    """The next cursor, then ids."""
    cursor, ids = reply
    return _text(cursor), [_text(id_) for id_ in ids]


def decode_counts_page(reply: tuple[bytes, Sequence[Any]]) -> tuple[str, dict[str, int]]:
    """The next cursor, then (name, number) pairs."""
    cursor, pairs = reply
    return _text(cursor), {_text(name): int(count) for name, count in zip(pairs[::2], pairs[1::2], strict=True)}


def decode_claimed(reply: Sequence[Sequence[Sequence[Any]]]) -> list[list[ClaimedJob]]:
    """For each message a list with a row for each claimed job."""
    return [[_claimed_job(*row) for row in rows] for rows in reply]


def _claimed_job(
    id_: bytes,
    contract: bytes,
    queue: bytes,
    suspect: bytes,
    attempts: int,
    remaining_ms: int,
    age_ms: int,
    queued_ms: int,
) -> ClaimedJob:
    return ClaimedJob(
        id=_text(id_),
        contract=int(contract),
        queue=Queue(_text(queue)),
        suspect=suspect == b"1",
        attempts=attempts,
        remaining_s=remaining_ms / 1000,
        age_s=age_ms / 1000,
        queued_s=queued_ms / 1000,
    )


def decode_outbox_jobs(reply: Sequence[Sequence[bytes]]) -> list[OutboxJob]:
    """A row for each job of an outbox."""
    return [
        OutboxJob(
            id=_text(id_),
            language=_text(language),
            payload=_text(payload),
            decision=decision,
            received_at=int(received_at) / 1000,
            decided_at=int(decided_at) / 1000,
            attempts=int(attempts),
        )
        for id_, language, payload, decision, received_at, decided_at, attempts in reply
    ]


def decode_job_views(reply: Sequence[Sequence[Any] | None]) -> list[JobView | None]:
    """A row for each requested job; nil for an unknown one."""
    return [None if row is None else _job_view(*row) for row in reply]


def _job_view(
    stage: bytes, language: bytes, payload: bytes, decision: bytes, received_at: bytes, position: int
) -> JobView:
    return JobView(
        stage=Stage(_text(stage)),
        language=_text(language),
        payload=_text(payload),
        decision=decision,
        received_at=int(received_at) / 1000,
        queue_position=None if position < 0 else position,
    )


def decode_counts(reply: Sequence[Any]) -> Counts:
    """Alternating names and numbers."""
    numbers = {_text(name): int(number) for name, number in zip(reply[::2], reply[1::2], strict=True)}
    return Counts(
        queues={
            queue: QueueCount(
                ready=numbers[f"ready:{queue}"],
                oldest_s=numbers[f"oldest_ms:{queue}"] / 1000,
                is_paused=numbers[f"paused:{queue}"] == 1,
            )
            for queue in Queue
        },
        claimed=numbers["claimed"],
        dead_letters=numbers["dead_letters"],
        incarnations=numbers["incarnations"],
        workers=numbers["workers"],
        images_per_second=numbers["images_per_1000_s"] / 1000,
    )


def decode_overview(reply: Sequence[Any]) -> LedgerOverview:
    """Time, rows of queues, outboxes and processes, then numbers."""
    now_ms, queues, outboxes, processes, claimed, undecided, dead_letters, counts = reply
    return LedgerOverview(
        time_s=now_ms / 1000,
        queues={
            Queue(_text(name)): QueueState(ready, age_ms / 1000, None if paused_ms < 0 else paused_ms / 1000)
            for name, ready, age_ms, paused_ms in queues
        },
        outboxes=tuple(
            OutboxState(_text(name), received, decided, age_ms / 1000) for name, received, decided, age_ms in outboxes
        ),
        processes=tuple(
            ProcessInfo(_text(name), left_ms / 1000, in_flight, _text(serving))
            for name, left_ms, in_flight, serving in processes
        ),
        claimed=claimed,
        undecided=undecided,
        dead_letters=dead_letters,
        dead_letter_counts={
            (outbox, reason): int(count)
            for names, count in _pairs(counts)
            for outbox, _, reason in [names.partition(" ")]
        },
    )


def decode_dead_letters(reply: Sequence[Sequence[Any]]) -> list[DeadLetter]:
    """A row for each dead letter."""
    return [
        DeadLetter(
            id=_text(id_),
            stage=Stage(_text(stage)),
            queue=Queue(_text(queue)),
            outbox=_text(outbox),
            attempts=int(attempts),
            age_s=age_ms / 1000,
            decision=decision,
        )
        for id_, stage, queue, outbox, attempts, age_ms, decision in reply
    ]


def decode_history(reply: Sequence[bytes], id_: str) -> JobHistory | None:
    """Alternating field names and values; empty for an unknown job."""
    if not reply:
        return None
    fields = dict(zip(map(_text, reply[::2]), reply[1::2], strict=True))
    history = _text(fields["history"])
    # A truncated history begins with '~' and the rest of an entry that was cut.
    is_truncated = history.startswith("~")
    entries = history.split()[1:] if is_truncated else history.split()
    return JobHistory(
        id=id_,
        stage=Stage(_text(fields["stage"])),
        queue=_text(fields["queue"]),
        outbox=_text(fields["outbox"]),
        holder=_text(fields["holder"]),
        attempts=int(fields["attempts"]),
        suspect=fields["suspect"] == b"1",
        contract=int(fields["contract"]),
        received_at=int(fields["received_at"]) / 1000,
        deadline=int(fields["deadline"]) / 1000,
        decision=fields["decision"],
        events=tuple(_event(entry) for entry in entries),
        is_truncated=is_truncated,
    )


def _event(entry: str) -> JobEvent:
    """`name@incarnation+ms` or `name+ms`."""
    head, _, after_ms = entry.rpartition("+")
    name, _, incarnation = head.partition("@")
    return JobEvent(name, incarnation, int(after_ms) / 1000)


def decode_status_reply(reply: tuple[bytes, int]) -> tuple[str, bool]:
    """The desired directory, and 1 if a drain was requested."""
    directory, drain = reply
    return _text(directory), drain == 1


def decode_texts(reply: tuple[bytes, bytes]) -> tuple[str, str]:
    """Two texts."""
    first, second = reply
    return _text(first), _text(second)


def decode_overrides(reply: Sequence[bytes]) -> dict[str, str]:
    """Alternating names and values."""
    return dict(_pairs(reply))


def _pairs(reply: Sequence[bytes]) -> list[tuple[str, str]]:
    return [(_text(first), _text(second)) for first, second in zip(reply[::2], reply[1::2], strict=True)]


def _text(raw: bytes) -> str:
    return raw.decode()
