"""Loads artefacts and switches between them while messages are processed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtimes.factory import load_predictor
from shared.config.settings import Settings
from shared.model.artefact import Manifest, read_artefact
from worker.batching.pipeline import Pipeline
from worker.serving.postprocessing import Postprocessor
from worker.telemetry.score_distribution import SCORE_DISTRIBUTION


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """An artefact that was loaded, with its warm pipeline and its postprocessor."""

    directory: Path
    manifest: Manifest
    runtime: str
    device: str
    pipeline: Pipeline
    postprocessor: Postprocessor


def load_model(directory: Path, config: Settings) -> LoadedModel:
    """Verify, load and warm up the artefact in `directory`. Takes seconds.

    Raises:
        ArtefactError: The artefact is damaged, or no runtime can run it.
        SettingsError: There is no such runtime or device.
    """
    manifest = read_artefact(directory)
    predictor = load_predictor(directory, manifest, runtime=config.runtime, device=config.device)
    pipeline = Pipeline(predictor, manifest, config)
    pipeline.start()
    SCORE_DISTRIBUTION.add_artefact(manifest)
    postprocessor = Postprocessor(manifest, runtime=f"{predictor.runtime} on {predictor.device}")
    return LoadedModel(directory, manifest, predictor.runtime, predictor.device, pipeline, postprocessor)


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
        desired = previous if previous is not None and previous.directory == directory else self._load(directory)
        with self._switch_lock:
            if self._closed:
                desired.pipeline.release()
                return
            self._previous, self.current = self.current, desired
        if previous is not None and previous is not desired:
            # Its items in flight are released: their jobs become `ready` again, and the model in use decides them.
            previous.pipeline.release()
            previous.pipeline.join()

    def get_models(self) -> list[LoadedModel]:
        """Return the model in use and, if there is one, the previous model."""
        return [self.current] if self._previous is None else [self.current, self._previous]

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
