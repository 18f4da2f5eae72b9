"""What an operator asks of the ledger and does to it, as calls. Each is bounded and can be repeated."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.contract.names import CONTRACT_VERSION, Queue, Stage
from shared.ledger.records import PendingDispatch
from shared.ledger.script_call import ScriptCall

#: Most processes and outboxes that a survey names.
_MOST_NAMED: Final = 1000


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


def get_overview() -> ScriptCall[LedgerOverview]:
    """Everything at a glance, in one atomic look."""
    return ScriptCall("survey", (_MOST_NAMED, *Queue), _survey)


def pause(queue: Queue) -> ScriptCall[bool]:
    """Let no worker claim jobs of `queue` until `resume`. They stay `ready`; deadlines go on. True if it was not."""
    return ScriptCall("pause", (queue, 1), lambda changed: changed == 1)


def resume(queue: Queue) -> ScriptCall[bool]:
    """Let workers claim jobs of `queue` again. The sweep rings for them. True if it was paused."""
    return ScriptCall("pause", (queue, 0), lambda changed: changed == 1)


def get_dead_letters(limit: int, ids: Iterable[str] = ()) -> ScriptCall[list[DeadLetter]]:
    """The oldest dead letters, at most `limit`; or those of `ids` that are dead letters."""
    return ScriptCall("dead", (limit, *ids), lambda rows: [_dead_letter(*row) for row in rows])


def drop_dead_letters(ids: Iterable[str]) -> ScriptCall[int]:
    """Forget dead letters; the reply says how many. One that was not delivered yet still will be."""
    return ScriptCall("drop", tuple(ids), int)


def replay_dead_letters(
    jobs: Iterable[tuple[str, bool]], *, deadline_s: float
) -> ScriptCall[tuple[int, list[PendingDispatch]]]:
    """Let dead letters live again, for each (id, whether its picture is stored), with a new deadline.

    They are of our contract then, unless theirs is newer. The reply says how many do, and which of them are owed a
    message.
    """
    pairs = tuple(part for id_, there in jobs for part in (id_, int(there)))
    return ScriptCall("replay", (round(deadline_s * 1000), CONTRACT_VERSION, *pairs), _replayed)


def get_history(id_: str) -> ScriptCall[JobHistory | None]:
    """What happened to a job, None where it is not known or no more."""
    return ScriptCall("life", (id_,), lambda reply: _life(id_, reply))


def report_status(incarnation: str, serving: str) -> ScriptCall[tuple[str, bool]]:
    """Say what a worker serves (JSON).

    The reply is the directory that it should serve, '' for its own, and whether it was told to stop.
    """
    return ScriptCall("follow", (incarnation, serving), lambda reply: (_text(reply[0]), reply[1] == 1))


def request_drain(incarnation: str) -> ScriptCall[bool]:
    """Tell a worker to finish its batch in hand, give back the rest and end. False where it does not live."""
    return ScriptCall("dismiss", (incarnation,), lambda lives: lives == 1)


def set_desired_model(directory: str, *, instead_of: str) -> ScriptCall[tuple[str, str]]:
    """Ask all workers to serve the artefact in `directory`, or the one before for ''.

    `instead_of` is what they serve where nobody ever switched. Returns the wanted directory and the one before,
    '' for none.
    """
    return ScriptCall("switch", (directory, instead_of), lambda reply: (_text(reply[0]), _text(reply[1])))


def sync_overrides(*changes: tuple[str, str]) -> ScriptCall[dict[str, str]]:
    """Write limits (name, value) that go before everyone's settings, '' to forget one. The reply holds all of them."""
    pairs = tuple(part for pair in changes for part in pair)
    return ScriptCall(
        "limits", pairs, lambda reply: {_text(n): _text(v) for n, v in zip(*[iter(reply)] * 2, strict=True)}
    )


def _text(raw: bytes) -> str:
    return raw.decode()


def _survey(reply: Sequence[Any]) -> LedgerOverview:
    now, queues, outboxes, processes, claimed, undecided, dead, waiting = reply
    return LedgerOverview(
        time_s=now / 1000,
        queues={
            Queue(_text(name)): QueueState(ready, age / 1000, None if paused < 0 else paused / 1000)
            for name, ready, age, paused in queues
        },
        outboxes=tuple(OutboxState(_text(name), received, decided) for name, received, decided in outboxes),
        processes=tuple(
            ProcessInfo(_text(name), left / 1000, held, _text(serving)) for name, left, held, serving in processes
        ),
        claimed=claimed,
        undecided=undecided,
        dead_letters=dead,
        oldest_undelivered_s=waiting / 1000,
    )


def _dead_letter(
    id_: bytes, stage: bytes, queue: bytes, outbox: bytes, attempts: bytes, died: int, decision: bytes
) -> DeadLetter:
    return DeadLetter(
        id=_text(id_),
        stage=Stage(_text(stage)),
        queue=Queue(_text(queue)),
        outbox=_text(outbox),
        attempts=int(attempts),
        age_s=died / 1000,
        decision=decision,
    )


def _replayed(reply: Sequence[Any]) -> tuple[int, list[PendingDispatch]]:
    number, *owed = reply
    pairs = zip(owed[::2], owed[1::2], strict=True)
    return number, [PendingDispatch(Queue(_text(queue)), _text(id_)) for queue, id_ in pairs]


def _life(id_: str, reply: Sequence[bytes]) -> JobHistory | None:
    if not reply:
        return None
    known = dict(zip(map(_text, reply[::2]), reply[1::2], strict=True))
    told = _text(known["life"])
    # The first word of a life that was cut is what the cut left of one.
    words = told.split()[1:] if (cut := told.startswith("~")) else told.split()
    return JobHistory(
        id=id_,
        stage=Stage(_text(known["stage"])),
        queue=_text(known["queue"]),
        outbox=_text(known["outbox"]),
        holder=_text(known["holder"]),
        attempts=int(known["attempts"]),
        suspect=known["suspect"] == b"1",
        contract=int(known["contract"]),
        received_at=int(known["received_at"]) / 1000,
        deadline=int(known["deadline"]) / 1000,
        decision=known["decision"],
        events=tuple(_event(word) for word in words),
        is_truncated=cut,
    )


def _event(word: str) -> JobEvent:
    head, _, after = word.rpartition("+")
    what, _, by = head.partition("@")
    return JobEvent(what, by, int(after) / 1000)
