"""The artefact: a directory with the exported model and `model.json`, which says all that serving it needs.

The worker reads it, `training` writes it; both call this module. What does not verify raises `ArtefactError`
with one sentence for the operator.
"""

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.images.preprocessing import PreprocessingSpec

ARTEFACT_VERSION: Final = 3
MANIFEST_NAME: Final = "model.json"

Share = Annotated[float, Field(ge=0, le=1)]


class ArtefactError(Exception):
    """Raised when an artefact is missing, damaged or of another version. The message is one sentence."""


class _ManifestModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Group(StrEnum):
    """What a label means for the person."""

    MALIGNANT = "malignant"
    PREMALIGNANT = "premalignant"
    BENIGN = "benign"


class Label(_ManifestModel):
    """One output of the model. `counts` is true where it adds to the probability that a person is told."""

    name: str
    title: str
    group: Group
    counts: bool


class Bands(_ManifestModel):
    """Thresholds on the calibrated probability, with what they reached where they were chosen.

    Below `low_below` is the low band, from `high_from` on the high one, between them elevated.
    """

    low_below: Share
    low_sensitivity: Share
    low_specificity: Share
    high_from: Share
    high_sensitivity: Share
    high_specificity: Share

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.low_below > self.high_from:
            raise ValueError("low_below must not be above high_from")
        return self


class ReliabilityBin(_ManifestModel):
    """Held-out lesions whose probability lay in [`start`, `stop`), the last bin including 1."""

    start: Share
    stop: Share
    lesions: int = Field(ge=0)
    malignant: int = Field(ge=0)


class Population(_ManifestModel):
    """A kind of picture on which the model was measured.

    A picture belongs to it when it is of the kind with its `name` and its feature distance is at most
    `max_distance`.
    """

    name: str
    temperature: float = Field(gt=0, description="of its calibration, already applied inside the graph")
    max_distance: float = Field(gt=0)
    bands: Bands
    reliability: tuple[ReliabilityBin, ...] = Field(min_length=1)


class Tensors(_ManifestModel):
    """Names in the graph: uint8 [n, size, size, 3] in; four float32 tensors out of one forward pass.

    `kinds` [n, kinds], their sum 1. The others are of the population that the likelier kind of lesion names:
    `probabilities` [n, labels], calibrated; `evidence` [n, rows, columns], the gradient of the malignant
    evidence through the head times the last feature map; `distance` [n].
    """

    picture: str
    probabilities: str
    evidence: str
    distance: str
    kinds: str


class Kinds(_ManifestModel):
    """What a picture can be, in the order of the graph's output `kinds`.

    From a share of `refuse_from` for the kind `no_lesion` on, a picture is refused. Otherwise it is of the likeliest
    of the other kinds, and belongs to the population of that name, if there is one.
    """

    names: tuple[str, ...] = Field(min_length=2)
    no_lesion: str
    #: None: nothing is refused.
    refuse_from: Share | None

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if self.no_lesion not in self.names:
            raise ValueError("no_lesion must be one of the names")
        return self


class DataSource(_ManifestModel):
    """Pictures that the model was made from or measured on."""

    name: str
    licence: str
    use: str
    pictures: int = Field(ge=0)


class Metric(_ManifestModel):
    """A measured figure with its 95 % interval where one was computed."""

    value: float
    low: float | None = None
    high: float | None = None
    pictures: int = Field(ge=1)


class StoredFile(_ManifestModel):
    """A file of the artefact, by its name in the directory."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=1, description="bytes")


class Manifest(_ManifestModel):
    """`model.json`."""

    artefact_version: int = ARTEFACT_VERSION
    name: str
    version: str
    runtime: Literal["tensorflow-graph"]
    graph: str = Field(description="name of the frozen GraphDef in the directory")
    tensors: Tensors
    picture: PreprocessingSpec
    labels: tuple[Label, ...] = Field(min_length=2)
    populations: tuple[Population, ...] = Field(min_length=1)
    kinds: Kinds
    metrics: dict[str, Metric]
    data: tuple[DataSource, ...]
    licence: str
    made_with: dict[str, str]
    files: dict[str, StoredFile]

    @property
    def title(self) -> str:
        """`name@version`, as verdicts name it."""
        return f"{self.name}@{self.version}"


def hash_file(path: Path) -> StoredFile:
    """sha256 and size of one file. Raises `OSError`."""
    with path.open("rb") as stream:
        return StoredFile(sha256=hashlib.file_digest(stream, "sha256").hexdigest(), size=path.stat().st_size)


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write `model.json` into `directory`, replacing it whole."""
    temporary = directory / f".{MANIFEST_NAME}.tmp"
    temporary.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    temporary.replace(directory / MANIFEST_NAME)


def read_artefact(directory: Path) -> Manifest:
    """Read `model.json` and verify each file against it.

    Raises `ArtefactError` where something is missing, was changed, or is of a version that this code does
    not know.
    """
    path = directory / MANIFEST_NAME
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ArtefactError(
            f"no artefact in {directory}: {MANIFEST_NAME} cannot be read ({error.strerror})."
        ) from error
    try:
        version = _ManifestVersion.model_validate_json(text).artefact_version
        if version != ARTEFACT_VERSION:
            raise ArtefactError(
                f"{path} is of artefact version {version}; this code reads version {ARTEFACT_VERSION}:"
                " export the model again or install the release that made it."
            )
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ArtefactError(f"{path} is not a valid manifest: {where}: {first['msg']}.") from error
    if manifest.graph not in manifest.files:
        raise ArtefactError(f"{path} names the graph {manifest.graph} but does not list it under files.")
    for name, stored in manifest.files.items():
        _verify(directory, name, stored)
    return manifest


class _ManifestVersion(BaseModel):
    artefact_version: int


def _verify(directory: Path, name: str, stored: StoredFile) -> None:
    if Path(name).name != name:
        raise ArtefactError(f"{directory / MANIFEST_NAME} lists {name!r}, which is not a plain file name.")
    try:
        actual = hash_file(directory / name)
    except OSError as error:
        raise ArtefactError(
            f"{directory / name} cannot be read ({error.strerror}): copy the artefact again."
        ) from error
    if actual != stored:
        raise ArtefactError(
            f"{directory / name} is not the file that {MANIFEST_NAME} describes (sha256 or size differs):"
            " copy the artefact again."
        )
