"""What an evaluation found: `evaluation.json`. The report and the model card are drawn from it alone."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from shared.model.artefact import Metric
from training.errors import TrainingError

FILE_NAME: Final = "evaluation.json"

#: Figures by their names in the field; what is not defined is left out.
Figures = dict[str, Metric]
#: Four digits: more would say nothing of curves.
_Short = Annotated[float, PlainSerializer(lambda value: round(value, 4), return_type=float)]
CurvePoints = tuple[tuple[_Short, _Short], ...]


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OperatingPoint(_Result):
    """Calling every picture whose probability is at least `threshold`."""

    name: str
    threshold: float
    figures: Figures


class DiagramBin(_Result):
    """Pictures of similar probability: the mean of it, and how many of them were positive."""

    mean: float
    pictures: int
    positive: int


class TaskResult(_Result):
    """One question about a set of pictures."""

    task: str
    pictures: int
    positive: int
    figures: Figures
    operating: tuple[OperatingPoint, ...]
    #: (1 - specificity, sensitivity), and (sensitivity, precision).
    roc: CurvePoints
    precision_recall: CurvePoints
    diagram: tuple[DiagramBin, ...]


class SubgroupResult(_Result):
    """Pictures that have something in common. `tasks` is empty where they are too few to measure."""

    by: str
    value: str
    pictures: int
    #: Of them, those whose label counts.
    counted: int
    tasks: dict[str, Figures]


class DiagnosisResult(_Result):
    """What is said of the lesions of one label: `bands` has how many got which."""

    label: str
    title: str
    counts: bool
    pictures: int
    median: float
    bands: dict[str, int]


class AnswerCounts(_Result):
    """What the service would answer: how many lesions whose label counts, and others, get which answer."""

    counted: dict[str, int]
    others: dict[str, int]


class ReceiptCheck(_Result):
    """One bin: what its receipt says, and what came of other lesions in it."""

    start: float
    stop: float
    lesions: int
    malignant: int
    tested: int
    tested_malignant: int
    #: The receipt's 95 % interval holds the share that came.
    covered: bool
    #: The two shares differ by no more than chance allows (Fisher's exact test, p >= 0.05).
    agrees: bool


class ReceiptsResult(_Result):
    """Whether the receipts hold for lesions that they were not made of."""

    protocol: str
    bins: tuple[ReceiptCheck, ...]
    covered: float
    agrees: float
    #: Share of bins that would be covered, on average, if each receipt's share were right: chance alone misses some.
    covered_if_right: float


class SetResult(_Result):
    """All that was measured on one set of pictures."""

    name: str
    title: str
    population: str
    protocol: str
    pictures: int
    groups: int
    tasks: tuple[TaskResult, ...]
    labels: Figures
    subgroups: tuple[SubgroupResult, ...]
    diagnoses: tuple[DiagnosisResult, ...]
    answers: AnswerCounts
    receipts: ReceiptsResult | None


class KindShare(_Result):
    """Pictures of one kind: how many are named right, and how many are refused as no lesion."""

    title: str
    lesion: bool
    named_right: Metric
    refused: Metric


class KindsResult(_Result):
    """Telling dermatoscope, phone and no lesion apart."""

    shares: tuple[KindShare, ...]
    #: ROC AUC of the share for no lesion, between other things and lesions.
    no_lesion_auc: Metric | None


class StressResult(_Result):
    """One change drawn on pictures of one population; shifts are of the probability that a person is told."""

    change: str
    title: str
    #: The four copies that must not matter.
    harmless: bool
    population: str
    pictures: int
    median_shift: float
    ninetieth_shift: float
    mean_shift: float
    #: None where the artefact has no bands for the population.
    band_changes: Metric | None
    #: As served: band, refusal, or not measured.
    answer_changes: Metric


class PointingResult(_Result):
    """On crops with the lesion off the centre: how often the map's peak lies in it, and how often the centre does.

    `gain` is the difference; `inside` the share of the evidence that lies in the lesion, where `lesion_share` would
    be chance.
    """

    title: str
    crops: int
    lesion_share: float
    peak: Metric
    centre: Metric
    gain: Metric
    inside: Metric


class SymmetryResult(_Result):
    """Averaging the probabilities over the eight flips and quarter turns, against one look."""

    title: str
    task: str
    one: Metric
    eight: Metric
    gain: Metric
    #: Times as long as one look, decoding left out.
    cost: float


class Evaluation(_Result):
    """`evaluation.json`."""

    artefact: str
    graph_sha256: str
    made: str
    seed: int
    draws: int
    #: Whether a test set was looked at.
    test: bool
    sets: tuple[SetResult, ...]
    #: A sentence for each population that was not measured.
    unmeasured: tuple[str, ...]
    #: Pictures of the data by Fitzpatrick skin type, "" for unknown.
    skin_types: dict[str, int]
    kinds: KindsResult | None
    stress: tuple[StressResult, ...]
    pointing: tuple[PointingResult, ...]
    symmetries: tuple[SymmetryResult, ...] = Field(default=())


def write_evaluation(directory: Path, found: Evaluation) -> None:
    """Write `evaluation.json` into `directory`, replacing it whole. Raises `OSError`."""
    temporary = directory / f".{FILE_NAME}.tmp"
    temporary.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    temporary.replace(directory / FILE_NAME)


def read_evaluation(directory: Path) -> Evaluation:
    """Read `evaluation.json`. Raises `TrainingError` where there is none, or it is not valid."""
    path = directory / FILE_NAME
    try:
        return Evaluation.model_validate_json(path.read_bytes())
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise TrainingError(f"{path} is no evaluation: {where}: {first['msg']}.") from error
