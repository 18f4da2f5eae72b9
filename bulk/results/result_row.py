"""One row of the results: the decision on one image, as a line of `results.jsonl`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from bulk import filenames
from bulk.inputs.input_image import ImageVersion
from bulk.inputs.read_problem import ReadProblem
from bulk.results.reason_texts import Reason
from shared.contract.decision import (
    Advice,
    Decision,
    Failure,
    FailureReason,
    Refusal,
    Verdict,
    decision_from_json,
)
from shared.ledger.records import OutboxJob

_DECISION: Final[TypeAdapter[Verdict | Refusal | Failure]] = TypeAdapter(Decision)
_READ_PROBLEMS: Final = frozenset(problem.value for problem in ReadProblem)


class DamagedRow(Exception):
    """Raised when a line of the results is none that `ResultRow.to_json` wrote."""


class LocalRefusal(BaseModel):
    """Refusal of a file that was never submitted. In the results it looks like any other refusal."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["refusal"] = "refusal"
    reason: ReadProblem
    advice: tuple[()] = ()


AnyDecision = Verdict | Refusal | Failure | LocalRefusal


@dataclass(frozen=True, slots=True)
class ResultRow:
    """The decision on the image `name`.

    `id` is the job's. `seconds` run from the job's acceptance to its decision; 0 for a file that was never submitted.
    `version` tells which bytes were judged.
    """

    id: str
    name: str
    seconds: float
    decision: AnyDecision
    version: ImageVersion = field(default_factory=ImageVersion)

    @classmethod
    def from_job(cls, job: OutboxJob, name: str, version: ImageVersion) -> Self:
        """The row of a decided job. A decision that cannot be read becomes a failure."""
        decision: AnyDecision
        try:
            decision = decision_from_json(job.decision)
        except ValidationError:
            decision = Failure(reason=FailureReason.UNKNOWN_CONTRACT, detail="the decision cannot be read")
        return cls(job.id, name, round(max(0.0, job.decided_at - job.received_at), 3), decision, version)

    @classmethod
    def from_json(cls, line: bytes) -> Self:
        """Read a line that `to_json` wrote. Raises `DamagedRow`."""
        try:
            fields = json.loads(line)
            id_, seconds, name = fields.pop("id"), fields.pop("seconds"), filenames.from_fields(fields)
            del fields["file"]
            fields.pop("file_base64", None)
            version = ImageVersion(*(fields.pop(field) for field in ImageVersion.__slots__))
            return cls(id_, name, seconds, _decision_from_fields(fields), version)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise DamagedRow from error

    def to_json(self) -> bytes:
        """The row as one line: `id`, `file`, `seconds`, the version, then the fields of the decision."""
        head = {
            "id": self.id,
            **filenames.to_fields(self.name),
            "seconds": self.seconds,
            "size": self.version.size,
            "sha256": self.version.sha256,
            "changed_ns": self.version.changed_ns,
        }
        # pydantic writes a float with the digits that give the same float again, so no digit is lost.
        return f"{json.dumps(head)[:-1]}, {self.decision.model_dump_json()[1:]}\n".encode()

    @property
    def verdict(self) -> Verdict | None:
        """The decision if it is a verdict."""
        return self.decision if isinstance(self.decision, Verdict) else None

    @property
    def reason(self) -> Reason | None:
        """Reason why there is no verdict; None for a verdict."""
        return None if isinstance(self.decision, Verdict) else self.decision.reason

    @property
    def probabilities(self) -> Mapping[str, float]:
        """Probability of each label; empty if the model did not predict the image."""
        return self.decision.probabilities if isinstance(self.decision, Verdict | Refusal) else {}

    @property
    def advice(self) -> tuple[Advice, ...]:
        """Problems of the image that do not keep it from having a verdict."""
        return () if isinstance(self.decision, Failure) else self.decision.advice


def _decision_from_fields(fields: Mapping[str, object]) -> AnyDecision:
    if fields.get("reason") in _READ_PROBLEMS:
        return LocalRefusal.model_validate(fields)
    return _DECISION.validate_python(fields)
