"""The model artefact: a directory with the exported model and its manifest `model.json`.

`training` writes it, workers read it; both call this module. An artefact that does not verify raises `ArtefactError`.
"""

import hashlib
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.contract.decision import Share
from shared.images.preprocessing import PreprocessingSpec

ARTEFACT_VERSION: Final = 3
MANIFEST_NAME: Final = "model.json"

# Names of files that an artefact may have, and lists under `files` then. An older release ignores them.
#: The function of the graph as StableHLO, for the runtime `jax`.
STABLEHLO_NAME: Final = "model.stablehlo.npz"
#: Rendered images with the outputs of the reference runtime.
KNOWN_ANSWERS_NAME: Final = "known_answers.npz"


class ArtefactError(Exception):
    """Raised when an artefact is missing, damaged or of another version. The message is one sentence."""


class _ManifestModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Group(StrEnum):
    """Clinical meaning of a label."""

    MALIGNANT = "malignant"
    PREMALIGNANT = "premalignant"
    BENIGN = "benign"


class Label(_ManifestModel):
    """One output of the model. If `counts` is true, it is added to the verdict's probability."""

    name: str
    title: str
    group: Group
    counts: bool


class Bands(_ManifestModel):
    """Thresholds on the calibrated probability, with the sensitivity and specificity measured when they were chosen.

    A probability below `low_below` is in the low band, from `high_from` on in the high band, between them elevated.
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
    """Held-out lesions with a probability in [`start`, `stop`); the last bin includes 1."""

    start: Share
    stop: Share
    lesions: int = Field(ge=0)
    malignant: int = Field(ge=0)


class Population(_ManifestModel):
    """A kind of image on which the model was measured.

    An image belongs to the population if its kind has the same name and its feature distance is at most
    `max_distance`.
    """

    name: str
    temperature: float = Field(gt=0, description="of its calibration, already applied inside the graph")
    max_distance: float = Field(gt=0)
    bands: Bands
    reliability: tuple[ReliabilityBin, ...] = Field(min_length=1)


class Tensors(_ManifestModel):
    """Names of the graph's tensors.

    The input is uint8 [n, size, size, 3]; one forward pass returns four float32 tensors.
    `kinds` is [n, kinds] with sum 1. The graph picks the likelier kind of lesion, and the head of that population gives
    the others: calibrated `probabilities` [n, labels]; `evidence` [n, rows, columns], the gradient of the evidence
    for the labels that count, through the head times the last feature map; `distance` [n].
    """

    picture: str
    probabilities: str
    evidence: str
    distance: str
    kinds: str


class Kinds(_ManifestModel):
    """Kinds of image, in the order of the graph's output `kinds`.

    If the share of the kind `no_lesion` is at least `refuse_from`, the image is refused. Otherwise its kind is the
    likeliest of the other kinds, and it belongs to the population of that name, if there is one.
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
    """Images on which the model was trained or measured."""

    name: str
    licence: str
    use: str
    pictures: int = Field(ge=0)


class Metric(_ManifestModel):
    """A measured figure, with its 95 % interval if one was computed."""

    value: float
    low: float | None = None
    high: float | None = None
    pictures: int = Field(ge=1)


class StoredFile(_ManifestModel):
    """A file of the artefact, by its name in the directory."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=1, description="bytes")


class Manifest(_ManifestModel):
    """Content of `model.json`."""

    artefact_version: int = ARTEFACT_VERSION
    name: str
    version: str
    runtime: str = Field(description="format of the exported model: the runtimes that can run it are chosen by it")
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
    """Compute sha256 and size of one file. Raises `OSError`."""
    with path.open("rb") as stream:
        return StoredFile(sha256=hashlib.file_digest(stream, "sha256").hexdigest(), size=path.stat().st_size)


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write `model.json` into `directory`, replacing it atomically."""
    temporary = directory / f".{MANIFEST_NAME}.tmp"
    temporary.write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    temporary.replace(directory / MANIFEST_NAME)


def read_artefact(directory: Path) -> Manifest:
    """Read `model.json` and verify each file against it.

    Raises:
        ArtefactError: A file is missing or was changed, or the version is unknown to this code.
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
