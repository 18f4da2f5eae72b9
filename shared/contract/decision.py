"""What can be said of a photograph: a verdict, a refusal or a failure. The first decision of a job stands."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

#: Population of a picture that is like none on which the model was measured: no low band, no receipt.
UNMEASURED: Final = "unmeasured"


class _FrozenModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Band(StrEnum):
    """How a verdict is named to a person."""

    LOW = "low"
    ELEVATED = "elevated"
    HIGH = "high"
    #: The picture is of a kind on which nothing was measured: neither reassuring nor alarming.
    UNCERTAIN = "uncertain"


class Advice(StrEnum):
    """What spoiled the picture, beside the verdict. Never a reason to refuse."""

    BLURRED = "blurred"
    DARK = "dark"
    BRIGHT = "bright"
    SMALL = "small"


class RefusalReason(StrEnum):
    """Why a picture gets no verdict. Each has a sentence for a person in `shared.images.refusal`."""

    EMPTY = "empty"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    NOT_A_PICTURE = "not_a_picture"
    UNSUPPORTED_FORMAT = "unsupported_format"
    ANIMATED = "animated"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    NOT_A_LESION = "not_a_lesion"


class FailureReason(StrEnum):
    """Why the service could not decide. Each failure is a dead letter that an operator can look at."""

    DEADLINE = "deadline"
    DECODE_DIED = "decode_died"
    DECODE_HUNG = "decode_hung"
    PREDICT_FAILED = "predict_failed"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    UNKNOWN_CONTRACT = "unknown_contract"


class Receipt(_FrozenModel):
    """Evidence receipt: of `lesions` held-out lesions that scored like this, `malignant` were malignant.

    `low` and `high` bound the 95 % Wilson score interval of that share, both in [0, 1].
    """

    lesions: int = Field(ge=1)
    malignant: int = Field(ge=0)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    population: str


class EvidenceMap(_FrozenModel):
    """Coarse grid of evidence over the whole picture, row by row from the top left.

    `cells` holds `rows * columns` integers in [-127, 127]: each cell's contribution to the malignant
    evidence as a share of the largest absolute one. Positive speaks for malignant.
    """

    rows: int = Field(ge=1, le=64)
    columns: int = Field(ge=1, le=64)
    cells: tuple[Annotated[int, Field(ge=-127, le=127)], ...]


class Work(_FrozenModel):
    """What the decision cost: the batch it was predicted in and the seconds that each step took."""

    batch: int = Field(ge=1)
    wait_s: float = Field(ge=0, description="from the claim to the start of predict, less decode")
    decode_s: float = Field(ge=0)
    predict_s: float = Field(ge=0, description="of the whole batch")


class Verdict(_FrozenModel):
    """A prediction, calibrated for the named population."""

    kind: Literal["verdict"] = "verdict"
    artefact: str
    population: str
    #: Calibrated probability, in [0, 1], that the lesion is one of the artefact's malignant labels.
    probability: float = Field(ge=0, le=1)
    #: Calibrated probability of each label, each in [0, 1].
    probabilities: dict[str, float]
    band: Band
    receipt: Receipt | None
    evidence: EvidenceMap
    distance: float = Field(ge=0, description="feature distance from the training pictures, no unit")
    advice: tuple[Advice, ...] = ()
    work: Work


class Refusal(_FrozenModel):
    """The picture cannot be judged; `reason` says why in a word, `shared.images.refusal` in a sentence."""

    kind: Literal["refusal"] = "refusal"
    reason: RefusalReason
    advice: tuple[Advice, ...] = ()
    #: What the model gave for what seems to be no lesion: for researchers' tables, never for the person who sent it.
    probabilities: dict[str, float] = {}


class Failure(_FrozenModel):
    """The service could not judge the picture. `detail` is for operators and names no person or file."""

    kind: Literal["failure"] = "failure"
    reason: FailureReason
    detail: str = ""


Decision = Annotated[Verdict | Refusal | Failure, Field(discriminator="kind")]

_DECISION: TypeAdapter[Verdict | Refusal | Failure] = TypeAdapter(Decision)


def decision_from_json(text: str | bytes) -> Verdict | Refusal | Failure:
    """Read a decision. Raises `pydantic.ValidationError` where `text` is not one."""
    return _DECISION.validate_json(text)
