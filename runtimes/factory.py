"""Loads an artefact with one of the registered runtimes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from runtimes.base import AUTO, Predictor
from runtimes.known_answers import check_known_answers
from shared.config.settings import SettingsError
from shared.model.artefact import MANIFEST_NAME, STABLEHLO_NAME, ArtefactError, Manifest

_NVIDIA_DRIVER: Final = Path("/proc/driver/nvidia/version")
_TPU_DEVICES: Final = (Path("/dev/accel0"), Path("/dev/vfio/0"))


@dataclass(frozen=True, slots=True)
class RegisteredRuntime:
    """Module of a runtime, what it needs and what it can run.

    Attributes:
        module: Dotted name of the module. It defines `load(directory, manifest, device, precision) -> Predictor`. It is
            imported only when it is used: importing TensorFlow takes seconds and memory.
        formats: Values of the field `runtime` of `model.json` that the runtime can run.
        library: Package that the module imports. `auto` passes over a runtime whose library is not installed.
        devices: Kinds of devices that the runtime can use, each with the rank of the runtime on it. `auto` takes the
            lowest rank, which should be the fastest runtime.
        file: File that an artefact must have for this runtime; '': none but the graph.
        plugins: Packages by kind of device. `auto` takes a device of the kind only if one of its packages is installed.
    """

    module: str
    formats: frozenset[str]
    library: str
    devices: Mapping[str, int] = field(default_factory=lambda: {"CPU": 9})
    file: str = ""
    plugins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


#: Runtimes by name. On CPUs OpenVINO starts first, needs the least memory and is fastest for few images.
RUNTIMES: Final = {
    "openvino": RegisteredRuntime(
        "runtimes.openvino_predictor", frozenset({"tensorflow-graph"}), "openvino", {"CPU": 0}
    ),
    "jax": RegisteredRuntime(
        "runtimes.jax_predictor",
        frozenset({"tensorflow-graph"}),
        "jax",
        {"CPU": 2, "GPU": 0, "TPU": 0},
        STABLEHLO_NAME,
        {"GPU": ("jax_cuda12_plugin", "jax_cuda13_plugin"), "TPU": ("libtpu",)},
    ),
    "tensorflow": RegisteredRuntime(
        "runtimes.tensorflow_predictor",
        frozenset({"tensorflow-graph"}),
        "tensorflow",
        {"CPU": 1, "GPU": 1},
        plugins={"GPU": ("nvidia",)},
    ),
}


def select_runtime(directory: Path, manifest: Manifest, runtime: str = AUTO, device: str = "") -> str:
    """Select the name of the runtime for an artefact, without importing the runtime.

    Args:
        directory: Directory of the artefact, for error messages.
        manifest: Its `model.json`.
        runtime: Name of a registered runtime, or `auto`.
        device: Device that the runtime must be able to use, such as `GPU:0`. '': a GPU or TPU where there is one whose
            libraries are installed, or else the CPU.

    Raises:
        ArtefactError: No registered runtime can run the artefact's format.
        SettingsError: `runtime` is not registered, is not installed, or cannot run the artefact's format or use the
            device; or `auto` finds none that can.
    """
    candidates = _list_candidates(manifest)
    if not candidates:
        formats = sorted({name for registered in RUNTIMES.values() for name in registered.formats})
        raise ArtefactError(
            f"{directory / MANIFEST_NAME} has the format {manifest.runtime!r}, but the runtimes of this release run"
            f" {', '.join(formats)}: export the model again or install the release that made it."
        )
    if runtime == AUTO:
        return _select_automatically(candidates, device)
    if runtime not in RUNTIMES:
        raise SettingsError(
            f"setting MELANOMA_RUNTIME: there is no runtime {runtime}; choose {AUTO} or {', '.join(RUNTIMES)}."
        )
    if (missing := RUNTIMES[runtime].file) and missing not in manifest.files:
        raise SettingsError(
            f"setting MELANOMA_RUNTIME: {runtime} needs the file {missing}, which the artefact in {directory} lacks;"
            f" run melanoma-forms on it, or choose {AUTO}."
        )
    if runtime not in candidates:
        raise SettingsError(
            f"setting MELANOMA_RUNTIME: {runtime} cannot run the format {manifest.runtime!r} of the artefact in"
            f" {directory}; choose {AUTO} or {', '.join(candidates)}."
        )
    if not _is_installed(runtime):
        raise SettingsError(
            f"setting MELANOMA_RUNTIME: {runtime} is not installed here; install its library, or choose {AUTO}."
        )
    if not _can_use(runtime, device):
        raise SettingsError(
            f"setting MELANOMA_DEVICE: {runtime} cannot use {device}; choose another device or runtime."
        )
    return runtime


def list_installed(manifest: Manifest) -> list[str]:
    """List the runtimes that are installed and can run an artefact, in the order of their preference."""
    return [name for name in _list_candidates(manifest) if _is_installed(name)]


def _list_candidates(manifest: Manifest) -> list[str]:
    return [
        name
        for name, registered in RUNTIMES.items()
        if manifest.runtime in registered.formats and (not registered.file or registered.file in manifest.files)
    ]


def _select_automatically(candidates: list[str], device: str) -> str:
    installed = [name for name in candidates if _is_installed(name)]
    kinds = [device.partition(":")[0] or "CPU"]
    if not device:
        kinds = [kind for kind, exists in (("GPU", _has_nvidia_gpu()), ("TPU", _has_tpu())) if exists] + kinds
    for kind in kinds:
        ranked = sorted(
            (RUNTIMES[name].devices[kind], index, name)
            for index, name in enumerate(installed)
            if kind in RUNTIMES[name].devices and (device or kind == "CPU" or _has_plugin(name, kind))
        )
        if ranked:
            return ranked[0][-1]
    raise SettingsError(
        f"no model runtime that is installed here ({', '.join(installed) or 'none'}) can use"
        f" {device or 'the CPU'}; install one of {', '.join(candidates)}, or set MELANOMA_DEVICE."
    )


def _is_installed(name: str) -> bool:
    return find_spec(RUNTIMES[name].library) is not None


def _can_use(name: str, device: str) -> bool:
    return not device or device.partition(":")[0] in RUNTIMES[name].devices


def _has_plugin(name: str, kind: str) -> bool:
    """True if the runtime's libraries for a kind of device are installed."""
    return any(find_spec(package) is not None for package in RUNTIMES[name].plugins.get(kind, ()))


def _has_nvidia_gpu() -> bool:
    return _NVIDIA_DRIVER.exists()


def _has_tpu() -> bool:
    return any(path.exists() for path in _TPU_DEVICES)


def load_predictor(
    directory: Path, manifest: Manifest, *, runtime: str = AUTO, device: str = "", precision: str = AUTO
) -> Predictor:
    """Load an artefact that `read_artefact` has verified, with the runtime that `select_runtime` selects.

    Args:
        directory: Directory of the artefact.
        manifest: Its `model.json`.
        runtime: Name of a registered runtime, or `auto`.
        device: Name of a device of that runtime; '' lets the runtime choose.
        precision: `FLOAT32`; `MIXED`, which a runtime or device without it takes as `FLOAT32`; `auto`: the faster one.

    Raises:
        ArtefactError: The artefact has an unknown format, or the model does not fit its manifest.
        SettingsError: There is no such runtime or device, the runtime cannot run the artefact's format, or it gives
            other answers than the reference.
        ValueError: The predictor has another name than its runtime, so verdicts would name the wrong runtime.
    """
    name = select_runtime(directory, manifest, runtime, device)
    predictor: Predictor = import_module(RUNTIMES[name].module).load(directory, manifest, device, precision)
    if predictor.runtime != name:
        raise ValueError(f"the runtime registered as {name} calls itself {predictor.runtime}")
    check_known_answers(directory, manifest, predictor)
    return predictor
