"""An artefact in service: read, verified, loaded and warm; and the change from one to another while messages come."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.config.settings import Settings
from shared.model.artefact import Manifest, read_artefact
from worker.batching.pipeline import Pipeline
from worker.batching.work_item import Picture
from worker.serving.postprocessing import Judge
from worker.telemetry.score_distribution import SCORES


@dataclass(frozen=True, slots=True)
class Serving:
    """One artefact with everything that judging by it needs. Its pipeline is warm and takes pictures."""

    directory: Path
    manifest: Manifest
    device: str
    pipeline: Pipeline
    judge: Judge


def serve(directory: Path, config: Settings) -> Serving:
    """Verify, load and warm the artefact in `directory`. Takes seconds.

    Raises `ArtefactError`, and `SettingsError` for a device that is not there.
    """
    manifest = read_artefact(directory)
    # Importing TensorFlow takes seconds and memory that a wrong setting should not cost.
    from runtimes.tensorflow_predictor import TensorFlowPredictor

    predictor = TensorFlowPredictor(directory, manifest, config.device)
    pipeline = Pipeline(predictor, manifest, config)
    pipeline.start()
    SCORES.expect(manifest)
    return Serving(directory, manifest, predictor.device, pipeline, Judge(manifest))


class Servings:
    """The one in use, and the one before it, warm for the way back. `load` makes a new one.

    Whoever takes `current` judges all pictures of a message by it: a change touches none that are under way.
    """

    def __init__(self, first: Serving, load: Callable[[Path], Serving]) -> None:
        self.current = first
        self._before: Serving | None = None
        self._load = load
        self._changing = threading.Lock()
        self._closed = False

    def change(self, directory: Path) -> None:
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

    def hanging(self, limit_s: float) -> list[Picture]:
        """Pictures whose decode has taken longer than `limit_s`."""
        return [picture for serving in self._all() for picture in serving.pipeline.hanging(limit_s)]

    def busy_s(self) -> float:
        """For how many seconds the longest batch in hand has been there."""
        return max(serving.pipeline.busy_s() for serving in self._all())

    def speed(self) -> float:
        """Pictures a second that the one in use can predict."""
        return self.current.pipeline.speed()

    def cap(self, largest: int) -> None:
        """Let no batch be larger than `largest`."""
        for serving in self._all():
            serving.pipeline.cap(largest)

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

    def _all(self) -> list[Serving]:
        return [self.current] if self._before is None else [self.current, self._before]
