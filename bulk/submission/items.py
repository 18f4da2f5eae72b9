"""What goes into a run, and what comes out of it."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from bulk.rejections import FileNotReadable, LocalRefusal, ReadProblem
from shared.contract.decision import Failure, FailureReason, Refusal, Verdict, decision_from_json
from shared.images.refusal import ImageRejected
from shared.ledger.records import OutboxJob

AnyDecision = Verdict | Refusal | Failure | LocalRefusal


@dataclass(frozen=True, slots=True)
class InputImage:
    """One picture to be judged.

    `name` is unique in its run. `load` gives the bytes, perhaps more than once, and raises `bulk.rejections.FileNotReadable` or
    `shared.images.refusal.ImageRejected` where there are none to be had.
    """

    name: str
    load: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The decision on one picture: as an object, and as the JSON object that the worker wrote.

    `seconds` run from the job's acceptance to its decision; 0 for a file that never left this machine.
    """

    id: str
    name: str
    decision: AnyDecision
    json: bytes
    seconds: float


def load(id_: str, image: InputImage, *, most_bytes: int) -> bytes | ImageResult:
    """Bytes of `picture`, or the refusal of one that cannot be read or has more than `most_bytes`."""
    try:
        data = image.load()
    except ImageRejected as refused:
        return _local(id_, image.name, Refusal(reason=refused.reason))
    except FileNotReadable as not_read:
        return _local(id_, image.name, LocalRefusal(reason=not_read.problem))
    if len(data) > most_bytes:
        return _local(id_, image.name, LocalRefusal(reason=ReadProblem.LARGER_THAN_STORE))
    return data


def from_job(job: OutboxJob, name: str) -> ImageResult:
    """What the ledger says of the picture `name`. A decision that cannot be read becomes a failure."""
    raw = job.decision
    decision: AnyDecision
    try:
        decision = decision_from_json(raw)
        if b"\n" in raw:  # legal in JSON, not in a line of it
            raw = decision.model_dump_json().encode()
    except ValidationError:
        decision = Failure(reason=FailureReason.UNKNOWN_CONTRACT, detail="the decision cannot be read")
        raw = decision.model_dump_json().encode()
    return ImageResult(job.id, name, decision, raw, max(0.0, job.decided_at - job.received_at))


def _local(id_: str, name: str, decision: Refusal | LocalRefusal) -> ImageResult:
    return ImageResult(id_, name, decision, decision.model_dump_json().encode(), 0.0)
