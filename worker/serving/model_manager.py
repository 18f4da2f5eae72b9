"""An artefact in service: read, verified, loaded and warm; and the change from one to another while messages come."""

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
    """One artefact with everything that judging by it needs. Its pipeline is warm and takes pictures."""

    directory: Path
    manifest: Manifest
    runtime: str
    device: str
    pipeline: Pipeline
    postprocessor: Postprocessor


def load_model(directory: Path, config: Settings) -> LoadedModel:
    """Verify, load and warm the artefact in `directory`. Takes seconds.

    Raises `ArtefactError`, and `SettingsError` for a device that is not there.
    """
    manifest = read_artefact(directory)
    predictor = load_predictor(directory, manifest, runtime=config.runtime, device=config.device)
    pipeline = Pipeline(predictor, manifest, config)
    pipeline.start()
    SCORE_DISTRIBUTION.add_artefact(manifest)
    postprocessor = Postprocessor(manifest, runtime=f"{predictor.runtime} on {predictor.device}")
    return LoadedModel(directory, manifest, predictor.runtime, predictor.device, pipeline, postprocessor)


class ModelManager:
    """The one in use, and the one before it, warm for the way back. `load` makes a new one.

    Whoever takes `current` judges all pictures of a message by it: a change touches none that are under way.
    """

    def __init__(self, model: LoadedModel, load: Callable[[Path], LoadedModel]) -> None:
        self.current = model
        self._previous: LoadedModel | None = None
        self._load = load
        self._switch_lock = threading.Lock()
        self._closed = False

    def switch_to(self, directory: Path) -> None:
        """Use the artefact in `directory` from now on: at once if it is the one before, else when it is warm.

        Until then the old one answers. Raises what `load` raises; then nothing changed.
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
            # What it still has in hand goes back to the ledger, and so to the one in use.
            previous.pipeline.release()
            previous.pipeline.join()

    def get_models(self) -> list[LoadedModel]:
        """Return the model in use and, if there is one, the one before it."""
        return [self.current] if self._previous is None else [self.current, self._previous]

    def release(self) -> None:
        """Finish the batch in hand, release every other picture, and change no more."""
        with self._switch_lock:
            self._closed = True
        for model in self.get_models():
            model.pipeline.release()

    def join(self) -> None:
        """Wait for the batch in hand after `release`."""
        for model in self.get_models():
            model.pipeline.join()
