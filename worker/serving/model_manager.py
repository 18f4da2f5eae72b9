"""Loads artefacts and switches between them while messages are processed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from runtimes.factory import load_predictor
from shared.config.settings import Settings, SettingsError
from shared.model.artefact import ArtefactError, Manifest, read_artefact
from worker.batching.pipeline import Pipeline
from worker.batching.prediction_check import DeviceFault
from worker.serving.postprocessing import Postprocessor
from worker.telemetry.score_distribution import SCORE_DISTRIBUTION

log = structlog.get_logger(__name__)

#: Name, size and modification time of each file of an artefact.
Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """An artefact that was loaded, with its warm pipeline and its postprocessor."""

    directory: Path
    fingerprint: Fingerprint
    manifest: Manifest
    runtime: str
    device: str
    precision: str
    pipeline: Pipeline
    postprocessor: Postprocessor


def load_model(directory: Path, config: Settings, on_device_fault: Callable[[DeviceFault], None]) -> LoadedModel:
    """Verify, load and warm up the artefact in `directory`. Takes seconds. `on_device_fault`: see `PredictStage`.

    Raises:
        ArtefactError: The artefact is damaged, no runtime can run it, or it fails while it is loaded or warmed up.
        SettingsError: There is no such runtime or device.
    """
    fingerprint = get_fingerprint(directory)
    manifest = read_artefact(directory)
    try:
        predictor = load_predictor(
            directory, manifest, runtime=config.runtime, device=config.device, precision=config.precision
        )
        pipeline = Pipeline(predictor, manifest, config, on_device_fault)
        pipeline.start()
    except (ArtefactError, SettingsError):
        raise
    except Exception as error:
        # What a runtime raises is not known here, and means the same to an operator.
        log.exception("the artefact verifies but fails while it is loaded", directory=str(directory))
        raise ArtefactError(
            f"the artefact in {directory} fails while it is loaded ({type(error).__name__}: {_first_line(error)}):"
            " export the model again, or choose another device."
        ) from error
    SCORE_DISTRIBUTION.add_artefact(manifest)
    return LoadedModel(
        directory=directory,
        fingerprint=fingerprint,
        manifest=manifest,
        runtime=predictor.runtime,
        device=predictor.device,
        precision=predictor.precision,
        pipeline=pipeline,
        postprocessor=Postprocessor(
            manifest, runtime=f"{predictor.runtime} on {predictor.device} in {predictor.precision}"
        ),
    )


def get_fingerprint(directory: Path) -> Fingerprint:
    """Describe the files in `directory` without reading them: a file that is replaced or edited changes it."""
    try:
        files = [(path.name, path.stat()) for path in directory.iterdir()]
    except OSError:
        return ()
    return tuple(sorted((name, status.st_size, status.st_mtime_ns) for name, status in files))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


class ModelManager:
    """The model in use, and the previous one, which stays warm for a switch back.

    A task takes `current` once for all images of its message, so a switch does not affect messages in flight.

    Args:
        model: The first model in use.
        load: Loads the model in a directory.
    """

    def __init__(self, model: LoadedModel, load: Callable[[Path], LoadedModel]) -> None:
        self.current = model
        self._previous: LoadedModel | None = None
        #: Models that are used no more, until their last item is finished.
        self._retired: list[LoadedModel] = []
        self._load = load
        self._switch_lock = threading.Lock()
        self._closed = False

    def switch_to(self, directory: Path) -> None:
        """Use the artefact in `directory`: at once if it is the previous one, otherwise once it is warm.

        The old model is used until then. If loading raises, nothing changes.
        """
        if directory == self.current.directory:
            return
        previous = self._previous
        is_loaded = (
            previous is not None
            and previous.directory == directory
            and previous.fingerprint == get_fingerprint(directory)
        )
        desired = previous if previous is not None and is_loaded else self._load(directory)
        with self._switch_lock:
            if self._closed:
                desired.pipeline.release()
                return
            self._previous, self.current = self.current, desired
            if previous is not None and previous is not desired:
                self._retired.append(previous)
        if previous is not None and previous is not desired:
            # Its items in flight are released: their jobs become `ready` again, and the model in use decides them.
            previous.pipeline.release()
            # In a thread: a decode that hangs would stop the caller, which applies what operators ask for.
            threading.Thread(target=self._retire, args=(previous,), name="retire", daemon=True).start()

    def get_models(self) -> list[LoadedModel]:
        """Return all models that may still work on items: the one in use, the previous one and retired ones."""
        with self._switch_lock:
            return [self.current, *([] if self._previous is None else [self._previous]), *self._retired]

    def release(self) -> None:
        """Finish the batches in flight, release every other item and allow no more switch."""
        with self._switch_lock:
            self._closed = True
        for model in self.get_models():
            model.pipeline.release()

    def join(self) -> None:
        """Wait for the batches in flight after `release`."""
        for model in self.get_models():
            model.pipeline.join()

    def _retire(self, model: LoadedModel) -> None:
        model.pipeline.decode_stage.join()
        model.pipeline.join()
        with self._switch_lock:
            self._retired.remove(model)
