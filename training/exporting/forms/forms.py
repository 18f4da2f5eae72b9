"""Writes the forms that are derived from an artefact's graph, and checks that all forms agree."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from runtimes.base import FLOAT32
from runtimes.factory import list_installed, load_predictor
from runtimes.known_answers import KnownAnswers, write_known_answers
from shared.config.settings import SettingsError
from shared.model.artefact import (
    KNOWN_ANSWERS_NAME,
    STABLEHLO_NAME,
    ArtefactError,
    Manifest,
    StoredFile,
    hash_file,
    read_artefact,
    write_manifest,
)
from training.errors import TrainingError
from training.exporting.forms.known_answers import select_known_answers
from training.exporting.forms.stablehlo import write_stablehlo
from training.exporting.predictor import GraphPredictor

#: Largest allowed difference between two forms in a probability. Both compute in float32, but add in another order.
TOLERANCE: Final = 1e-4

Progress = Callable[[str], None]


def add_forms(directory: Path, progress: Progress) -> Manifest:
    """Write StableHLO and known answers into a finished artefact, and list them in its `model.json`.

    The graph is not changed, and so neither are name and version: the model gives the same answers.

    Raises:
        TrainingError: There is no artefact, a form cannot be written, or the forms disagree.
    """
    try:
        manifest = read_artefact(directory)
    except ArtefactError as error:
        raise TrainingError(str(error)) from error
    with open_staging(directory) as staging:
        (staging / manifest.graph).symlink_to((directory / manifest.graph).resolve())
        forms = write_forms(staging, manifest, progress)
        for name in forms:
            (staging / name).replace(directory / name)
    updated = manifest.model_copy(update={"files": manifest.files | forms})
    write_manifest(directory, updated)
    return updated


@contextmanager
def open_staging(directory: Path) -> Iterator[Path]:
    """Create a folder in the artefact's for files that are not checked yet, and delete it in the end."""
    staging = directory / ".staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging)


def write_forms(directory: Path, manifest: Manifest, progress: Progress) -> dict[str, StoredFile]:
    """Write StableHLO and known answers beside the graph in `directory`, and check that all forms agree.

    `progress` is called with a sentence about each form.

    Raises:
        TrainingError: A form cannot be written, or the forms disagree.
    """
    graph = directory / manifest.graph
    known = select_known_answers(GraphPredictor(graph, manifest.tensors), manifest)
    write_stablehlo(directory / STABLEHLO_NAME, graph, manifest.tensors)
    write_known_answers(directory / KNOWN_ANSWERS_NAME, known)
    forms = {name: hash_file(directory / name) for name in (STABLEHLO_NAME, KNOWN_ANSWERS_NAME)}
    _check_agreement(directory, manifest.model_copy(update={"files": manifest.files | forms}), known, progress)
    return forms


def _check_agreement(directory: Path, manifest: Manifest, known: KnownAnswers, progress: Progress) -> None:
    """Compare every installed runtime with the reference's outputs."""
    for name in list_installed(manifest):
        try:
            predictor = load_predictor(directory, manifest, runtime=name, device="CPU:0", precision=FLOAT32)
        except (ArtefactError, SettingsError) as error:
            raise TrainingError(f"The form for {name} cannot be used: {error}") from error
        outputs = predictor.predict(known.images)
        difference = float(np.abs(outputs.probabilities - known.outputs.probabilities).max())
        if not difference <= TOLERANCE:
            raise TrainingError(
                f"The form for {name} differs from the graph by {difference:.1g} in a probability, more than"
                f" {TOLERANCE:.1g}: the artefact is not to be served."
            )
        progress(f"{name} differs from the graph by at most {difference:.1g} in a probability")
