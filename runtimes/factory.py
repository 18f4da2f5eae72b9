"""Loads an artefact with one of the registered runtimes."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from runtimes.base import Predictor
from shared.config.settings import SettingsError
from shared.model.artefact import MANIFEST_NAME, ArtefactError, Manifest

#: The first registered runtime that can run the artefact's format.
AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class RegisteredRuntime:
    """Module of a runtime, and the formats that it can run.

    Attributes:
        module: Dotted name of the module. It defines `load(directory, manifest, device) -> Predictor` and is imported
            only when it is used: importing TensorFlow takes seconds and memory.
        formats: Values of the field `runtime` of `model.json` that the runtime can run.
    """

    module: str
    formats: frozenset[str]


#: Runtimes by name, in the order in which `auto` prefers them.
RUNTIMES: Final = {
    "tensorflow": RegisteredRuntime("runtimes.tensorflow_predictor", frozenset({"tensorflow-graph"})),
}


def select_runtime(directory: Path, manifest: Manifest, runtime: str = AUTO) -> str:
    """Select the name of the runtime for an artefact, without importing the runtime.

    Args:
        directory: Directory of the artefact, for error messages.
        manifest: Its `model.json`.
        runtime: Name of a registered runtime, or `auto`.

    Raises:
        ArtefactError: No registered runtime can run the artefact's format.
        SettingsError: `runtime` is not registered, or cannot run the artefact's format.
    """
    candidates = [name for name, registered in RUNTIMES.items() if manifest.runtime in registered.formats]
    if not candidates:
        formats = sorted({name for registered in RUNTIMES.values() for name in registered.formats})
        raise ArtefactError(
            f"{directory / MANIFEST_NAME} has the format {manifest.runtime!r}, but the runtimes of this release run"
            f" {', '.join(formats)}: export the model again or install the release that made it."
        )
    if runtime == AUTO:
        return candidates[0]
    if runtime not in RUNTIMES:
        raise SettingsError(
            f"setting MELANOMA_RUNTIME: there is no runtime {runtime}; choose {AUTO} or {', '.join(RUNTIMES)}."
        )
    if runtime not in candidates:
        raise SettingsError(
            f"setting MELANOMA_RUNTIME: {runtime} cannot run the format {manifest.runtime!r} of the artefact in"
            f" {directory}; choose {AUTO} or {', '.join(candidates)}."
        )
    return runtime


def load_predictor(directory: Path, manifest: Manifest, *, runtime: str = AUTO, device: str = "") -> Predictor:
    """Load an artefact that `read_artefact` has verified, with the runtime that `select_runtime` selects.

    `device` is the name of a device of that runtime; '' lets the runtime choose.

    Raises:
        ArtefactError: The artefact has an unknown format, or the model does not fit its manifest.
        SettingsError: There is no such runtime or device, or the runtime cannot run the artefact's format.
        ValueError: The predictor has another name than its runtime, so verdicts would name the wrong runtime.
    """
    name = select_runtime(directory, manifest, runtime)
    predictor: Predictor = import_module(RUNTIMES[name].module).load(directory, manifest, device)
    if predictor.runtime != name:
        raise ValueError(f"the runtime registered as {name} calls itself {predictor.runtime}")
    return predictor
