"""An artefact in service: read, verified, loaded and warm; and the change from one to another while messages come."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtimes.factory import load_predictor
from shared.config.settings import Settings
from shared.model.artefact import Manifest, read_artefact
from worker.batching.pipeline import Pipeline
from worker.batching.work_item import WorkItem
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
    judge: Postprocessor


def load_model(directory: Path, config: Settings) -> LoadedModel:
    """Verify, load and warm the artefact in `directory`. Takes seconds.

    Raises `ArtefactError`, and `SettingsError` for a device that is not there.
    """
    manifest = read_artefact(directory)
    predictor = load_predictor(directory, manifest, runtime=config.runtime, device=config.device)
    pipeline = Pipeline(predictor, manifest, config)
    pipeline.start()
    SCORE_DISTRIBUTION.expect(manifest)
    judge = Postprocessor(manifest, runtime=f"{predictor.runtime} on {predictor.device}")
    return LoadedModel(directory, manifest, predictor.runtime, predictor.device, pipeline, judge)


class ModelManager:
    """The one in use, and the one before it, warm for the way back. `load` makes a new one.

    Whoever takes `current` judges all pictures of a message by it: a change touches none that are under way.
    """

    def __init__(self, first: LoadedModel, load: Callable[[Path], LoadedModel]) -> None:
        self.current = first
        self._before: LoadedModel | None = None
        self._load = load
        self._changing = threading.Lock()
        self._closed = False

    def switch_to(self, directory: Path) -> None:
        """Use the artefact in `directory` from now on: at once if it is the one before, else when it is warm.

        Until then the old one answers. Raises what `load` raises; then nothing changed.
        """
        if directory == self.current.directory:
            return
        before = self._before
        wanted = before if before is not None and before.directory == directory else self._load(directory)
        with self._changing:
            if self._closed:
                wanted.pipeline.release()
                return
            self._before, self.current = self.current, wanted
        if before is not None and before is not wanted:
            # What it still has in hand goes back to the ledger, and so to the one in use.
            before.pipeline.release()
            before.pipeline.join()

    def hanging_items(self, limit_s: float) -> list[WorkItem]:
        """Pictures whose decode has taken longer than `limit_s`."""
        return [image for serving in self._all() for image in serving.pipeline.hanging_items(limit_s)]

    def batch_age_s(self) -> float:
        """For how many seconds the longest batch in hand has been there."""
        return max(serving.pipeline.batch_age_s() for serving in self._all())

    def images_per_second(self) -> float:
        """Pictures a second that the one in use can predict."""
        return self.current.pipeline.images_per_second()

    def set_max_batch_size(self, largest: int) -> None:
        """Let no batch be larger than `largest`."""
        for serving in self._all():
            serving.pipeline.set_max_batch_size(largest)

    def release(self) -> None:
        """Finish the batch in hand, release every other picture, and change no more."""
        with self._changing:
            self._closed = True
        for serving in self._all():
            serving.pipeline.release()

    def join(self) -> None:
        """Wait for the batch in hand after `release`."""
        for serving in self._all():
            serving.pipeline.join()

    def _all(self) -> list[LoadedModel]:
        return [self.current] if self._before is None else [self.current, self._before]
