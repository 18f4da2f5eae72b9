"""The result of an evaluation: `evaluation.json`. The model card is rendered from it and `model.json` alone."""

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError

from shared.model.artefact import Metric
from training.errors import TrainingError

EVALUATION_NAME: Final = "evaluation.json"

#: Figures by their usual names; undefined ones are left out.
Figures = dict[str, Metric]
#: Four digits are enough for a curve.
_Rounded = Annotated[float, PlainSerializer(lambda value: round(value, 4), return_type=float)]
CurvePoints = tuple[tuple[_Rounded, _Rounded], ...]


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OperatingPoint(_Result):
    """Figures of calling every image positive whose probability is at least `threshold`."""

    name: str
    threshold: float
    figures: Figures


class DiagramBin(_Result):
    """Images of similar probability: the mean probability, and how many of the images are positive."""

    mean: float
    pictures: int
    positive: int


class TaskResult(_Result):
    """One task on a set of images."""

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
    """Images with a property in common. `tasks` is empty if there are too few to measure."""

    by: str
    value: str
    pictures: int
    #: Those of a label that counts.
    counted: int
    tasks: dict[str, Figures]


class DiagnosisResult(_Result):
    """Lesions of one label: their median probability, and how many got which band."""

    label: str
    title: str
    counts: bool
    pictures: int
    median: float
    bands: dict[str, int]


class AnswerCounts(_Result):
    """Numbers of the answers that the service would give for lesions of a label that counts, and for the others."""

    counted: dict[str, int]
    others: dict[str, int]


class ReceiptCheck(_Result):
    """One bin: its receipt, and the other lesions whose probability is in it."""

    start: float
    stop: float
    lesions: int
    malignant: int
    tested: int
    tested_malignant: int
    #: The receipt's 95 % interval contains the share of malignant ones among the other lesions.
    covered: bool
    #: The two shares differ by no more than chance allows (Fisher's exact test, p >= 0.05).
    agrees: bool


class ReceiptsResult(_Result):
    """Receipts compared with lesions that they were not computed from."""

    protocol: str
    bins: tuple[ReceiptCheck, ...]
    covered: float
    agrees: float
    #: Share of bins that would be covered on average if each receipt's share were exactly right. It is below 1, as the
    #: other lesions vary by chance.
    covered_if_right: float


class SetResult(_Result):
    """All measures of one set of images."""

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
    """Images of one kind: how many are named right, and how many are refused as no lesion."""

    title: str
    lesion: bool
    named_right: Metric
    refused: Metric


class KindsResult(_Result):
    """Measures of the kind classifier: dermatoscope lesion, phone lesion, or no lesion."""

    shares: tuple[KindShare, ...]
    #: ROC AUC of the probability of no lesion, for images of no lesion against lesions.
    no_lesion_auc: Metric | None


class StressResult(_Result):
    """One change of images of one population. Shifts are of the probability that the service reports.

    `counted_mean_shift` and `counted_tenth_shift` are of the lesions of a label that counts: the mean, and the shift
    below which one in ten is. They are None if there are no such lesions.
    """

    change: str
    title: str
    #: One of the four changes after which the band must stay.
    harmless: bool
    population: str
    pictures: int
    median_shift: float
    ninetieth_shift: float
    mean_shift: float
    counted_mean_shift: float | None = None
    counted_tenth_shift: float | None = None
    #: None if the artefact has no bands for the population.
    band_changes: Metric | None
    #: Answers as served: band, refusal, or uncertain.
    answer_changes: Metric
    #: Share of the images whose answer as served was high and is low.
    high_to_low: Metric | None = None


class AveragedMap(_Result):
    """The map of an image, or the mean of the maps of its flips.

    Attributes:
        views: 1, 2 (with the mirror image) or 4 (also upside down).
        auc: Mean pixel AUC of the map for the lesion, in crops for which serving draws an outline.
        peak_stays: Share of flips of a crop under which the strongest cell stays in its place.
        cost: Time of the predictions, as a multiple of that of one.
    """

    views: int
    auc: Metric
    peak_stays: Metric
    cost: float


class PointingResult(_Result):
    """The pointing game on crops with the lesion off the centre.

    Attributes:
        title: Description of the lesions.
        crops: Number of crops.
        lesion_share: Mean share of the crop that is lesion.
        peak: Share of crops in which the map's peak lies in the lesion.
        centre: Share of crops whose centre lies in the lesion.
        gain: `peak` less `centre`.
        inside: Share of the evidence that lies in the lesion; by chance it would be `lesion_share`.
        outlined: Share of crops for which serving draws an outline.
        disc_auc: Mean pixel AUC of a disc in the centre of the crop for the lesion, in those crops.
        maps: The map, and means of it over flips; none if fewer than ten crops get an outline.
    """

    title: str
    crops: int
    lesion_share: float
    peak: Metric
    centre: Metric
    gain: Metric
    inside: Metric
    outlined: Metric | None = None
    disc_auc: Metric | None = None
    maps: tuple[AveragedMap, ...] = ()


class SourcesResult(_Result):
    """Measure of how well the source of lesions of one diagnosis can be told from the model's features.

    Attributes:
        diagnosis: The diagnosis.
        sources: Number of images by source.
        before: Mean ROC AUC of telling each source from the others.
        after: The same with all images at the resolution and the compression of the poorest source.
    """

    diagnosis: str
    sources: dict[str, int]
    before: Metric
    after: Metric


class SymmetryResult(_Result):
    """AUC with one prediction, and with the mean of eight flips and quarter turns."""

    title: str
    task: str
    one: Metric
    eight: Metric
    gain: Metric
    #: Duration of eight predictions over that of one, without decoding.
    cost: float


class AgreementResult(_Result):
    """A runtime compared with the reference runtime on the same pictures.

    Attributes:
        runtime: Name of the runtime; of the reference, the figures are differences to itself.
        device: Device that it predicted on.
        precision: Precision in which it computed.
        pictures: Number of pictures.
        band_changes: Pictures that got another band, or were refused by one of the two alone.
        max_difference: Largest difference of the probability of any label, or of all that count.
        mean_difference: Mean difference of the probability of all labels that count.
        max_distance_difference: Largest difference of the feature distance.
        max_evidence_difference: Largest difference of a cell of the evidence map.
        auc_change: Melanoma ROC AUC on dermatoscope pictures, less that of the reference. None without such pictures.
        pictures_per_second: At batches of 8, decoding not counted. None for less than two batches.
        speed_ratio: The same, divided by that of the reference in the same run. None if the speed is not known.
    """

    runtime: str
    device: str
    precision: str
    pictures: int
    band_changes: int
    max_difference: float
    mean_difference: float
    max_distance_difference: float
    max_evidence_difference: float
    auc_change: float | None
    pictures_per_second: float | None
    speed_ratio: float | None

    def without_speed(self) -> Self:
        """The same without the speed, which another load of the machine has spoilt."""
        return self.model_copy(update={"pictures_per_second": None, "speed_ratio": None})


class Evaluation(_Result):
    """`evaluation.json`."""

    artefact: str
    graph_sha256: str
    made: str
    seed: int
    draws: int
    #: The test sets were measured too.
    test: bool
    #: Numbers of images of each population that were asked for, for the stress test and for the evidence map; and of
    #: each source and diagnosis, for telling the sources.
    stress_count: int = 300
    pointing_count: int = 300
    sources_count: int = 100
    sets: tuple[SetResult, ...]
    #: A sentence for each population that was not measured.
    unmeasured: tuple[str, ...]
    #: Number of images by Fitzpatrick skin type, "" for unknown.
    skin_types: dict[str, int]
    kinds: KindsResult | None
    stress: tuple[StressResult, ...]
    pointing: tuple[PointingResult, ...]
    symmetries: tuple[SymmetryResult, ...] = Field(default=())
    agreement: tuple[AgreementResult, ...] = Field(default=())
    sources: tuple[SourcesResult, ...] = Field(default=())


def read_evaluation(directory: Path) -> Evaluation:
    """Read `evaluation.json` from `directory`.

    Raises:
        TrainingError: The file cannot be read, or is not valid.
    """
    path = directory / EVALUATION_NAME
    try:
        return Evaluation.model_validate_json(path.read_bytes())
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}).") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise TrainingError(f"{path} is no evaluation: {field}: {first['msg']}.") from error
