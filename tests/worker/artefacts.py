"""Small artefacts and models for the worker's tests."""

from collections.abc import Callable
from pathlib import Path

from shared.config.settings import Settings
from shared.model.artefact import Manifest, hash_file, read_artefact, write_manifest
from tests.worker.scripted_predictor import ScriptedPredictor
from worker.batching.pipeline import Pipeline
from worker.batching.prediction_check import DeviceFault
from worker.serving.model_manager import LoadedModel, get_fingerprint
from worker.serving.postprocessing import Postprocessor


def write_artefact(directory: Path, manifest: Manifest, *, version: str = "1", graph: bytes = b"graph") -> Path:
    """Write an artefact that verifies: the manifest of the shipped one, and `graph` as its only file."""
    directory.mkdir(exist_ok=True)
    (directory / manifest.graph).write_bytes(graph)
    files = {manifest.graph: hash_file(directory / manifest.graph)}
    write_manifest(directory, manifest.model_copy(update={"version": version, "files": files}))
    return directory


def load_scripted(
    directory: Path,
    predictor: ScriptedPredictor,
    config: Settings,
    on_device_fault: Callable[[DeviceFault], None] = lambda _: None,
) -> LoadedModel:
    """Load the artefact in `directory` with a scripted predictor."""
    manifest = read_artefact(directory)
    pipeline = Pipeline(predictor, manifest, config, on_device_fault)
    pipeline.start()
    predictor.batches.clear()
    return LoadedModel(
        directory,
        get_fingerprint(directory),
        manifest,
        predictor.runtime,
        predictor.device,
        predictor.precision,
        pipeline,
        Postprocessor(manifest),
    )
