"""Decision on an image: a verdict, a refusal or a failure. Of several decisions on a job the first is kept."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

#: Population of an image that is unlike all on which the model was measured. Its band is `uncertain` or `high`, its
#: probabilities are not calibrated, and it gets no receipt.
UNMEASURED: Final = "unmeasured"


class _FrozenModel(BaseModel):
    # JSON has no infinity and no NaN: pydantic would write them as null, which no reader accepts.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


#: A number in [0, 1].
Share = Annotated[float, Field(ge=0, le=1)]


class Band(StrEnum):
    """Band of a verdict, by which the bot words its answer."""

    LOW = "low"
    ELEVATED = "elevated"
    HIGH = "high"
    #: Nothing was measured on this kind of image: the verdict neither reassures nor alarms.
    UNCERTAIN = "uncertain"


class Advice(StrEnum):
    """Quality problem of an image, reported beside the verdict. Never a reason to refuse."""

    BLURRED = "blurred"
    DARK = "dark"
    BRIGHT = "bright"
    SMALL = "small"


class RefusalReason(StrEnum):
    """Reason why an image gets no verdict.

    A new reason needs a sentence in `shared.images.refusal` and a text `refusal-<value>` in every language of the bot;
    tests check both for completeness. It does not raise the contract version: an older reader treats a decision with
    an unknown reason as one of another release, so the bot keeps it as a dead letter for the replay after the upgrade.
    If decoding raises the reason, training rejects such images too: rebuild the data set and train again.
    """

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


#: Refusals of images that a worker decoded. Only these are safe to decode elsewhere, for example in a report.
DECODED_REFUSALS: Final = frozenset({RefusalReason.NOT_A_LESION})


class FailureReason(StrEnum):
    """Reason why the service could not decide. Each failure is a dead letter that an operator can inspect."""

    DEADLINE = "deadline"
    DECODE_DIED = "decode_died"
    DECODE_HUNG = "decode_hung"
    DECODE_FAILED = "decode_failed"
    PREDICT_FAILED = "predict_failed"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    UNKNOWN_CONTRACT = "unknown_contract"


class Receipt(_FrozenModel):
    """Evidence receipt: of the `lesions` held-out lesions in a reliability bin, `malignant` had a label that counts.

    Such labels are malignant or pre-malignant.
    `low` and `high` are the ends of the 95 % Wilson score interval of that share, both in [0, 1].
    """

    lesions: int = Field(ge=1)
    malignant: int = Field(ge=0)
    low: Share
    high: Share
    population: str


class EvidenceMap(_FrozenModel):
    """Attribution map: a coarse grid of evidence over the whole image, row by row from the top left.

    `cells` holds `rows * columns` integers in [-127, 127]: the contribution of each cell to the probability, as a
    share of the largest absolute one. Positive values raise it.
    """

    rows: int = Field(ge=1, le=64)
    columns: int = Field(ge=1, le=64)
    cells: tuple[Annotated[int, Field(ge=-127, le=127)], ...]


class Work(_FrozenModel):
    """Cost of a decision: the size of its batch and the seconds of each step."""

    batch: int = Field(ge=1)
    wait_s: float = Field(ge=0, description="from entering the pipeline to the prediction, without decoding")
    decode_s: float = Field(ge=0)
    predict_s: float = Field(ge=0, description="of the whole batch")
    runtime: str = Field(default="", description="the runtime and its device, such as `tensorflow on CPU:0`")


class Verdict(_FrozenModel):
    """A prediction. Its probabilities are calibrated for `population` unless that is `UNMEASURED`."""

    kind: Literal["verdict"] = "verdict"
    artefact: str
    population: str
    #: Probability that the lesion is malignant or pre-malignant: that it has a label that counts.
    probability: Share
    #: Probability of each label.
    probabilities: dict[str, Share]
    band: Band
    receipt: Receipt | None
    evidence: EvidenceMap
    distance: float = Field(ge=0, description="feature distance from the training images, without unit")
    advice: tuple[Advice, ...] = ()
    work: Work


class Refusal(_FrozenModel):
    """The image cannot be classified; `reason` says why. `shared.images.refusal` has the sentences."""

    kind: Literal["refusal"] = "refusal"
    reason: RefusalReason
    advice: tuple[Advice, ...] = ()
    #: Output of the model for an image without a lesion: for researchers' tables, never for the user.
    probabilities: dict[str, Share] = {}


class Failure(_FrozenModel):
    """The service could not classify the image. `detail` is for operators and names no user or file."""

    kind: Literal["failure"] = "failure"
    reason: FailureReason
    detail: str = ""


Decision = Annotated[Verdict | Refusal | Failure, Field(discriminator="kind")]

_DECISION: TypeAdapter[Verdict | Refusal | Failure] = TypeAdapter(Decision)


def decision_from_json(text: str | bytes) -> Verdict | Refusal | Failure:
    """Parse a decision. Raises `pydantic.ValidationError` if `text` is not one."""
    return _DECISION.validate_json(text)
