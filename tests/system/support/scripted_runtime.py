"""A runtime for workers that start without TensorFlow and misbehave on demand.

Faults are files in a directory, so that a test can begin and end them while the worker runs.
"""

import os
import time
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runtimes.base import PredictionBatch, Predictor
from shared.model.artefact import Manifest
from tests.worker.scripted_predictor import ScriptedPredictor

_FAULTS_VARIABLE: Final = "SCRIPTED_RUNTIME_FAULTS"

#: Loading takes a minute. The file `loading` says that it has begun.
LOADS_SLOWLY: Final = "loads-slowly"
LOADING: Final = "loading"
#: The first forward pass raises.
FAILS_WHILE_WARMING: Final = "fails-while-warming"
#: Outputs for black images are NaN.
NAN: Final = "nan"
#: The outputs for all images are NaN.
ALL_NAN: Final = "all-nan"

#: Python runs `sitecustomize.py` before any other code.
_REGISTRATION: Final = f"""
from runtimes import factory
factory.RUNTIMES["scripted"] = factory.RegisteredRuntime({__name__!r}, frozenset({{"tensorflow-graph"}}), "numpy")
# The answers follow from the pixels, so they are not those of the reference.
factory.check_known_answers = lambda *_: None
"""


class ScriptedRuntime:
    """The faults of workers that run in `environment`. `home` must be a directory of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        home.mkdir()
        (home / "sitecustomize.py").write_text(_REGISTRATION)
        self.environment = {
            "PYTHONPATH": os.pathsep.join([str(home), str(Path.cwd())]),
            "MELANOMA_RUNTIME": "scripted",
            _FAULTS_VARIABLE: str(home),
        }

    def begin(self, fault: str) -> None:
        """Begin a fault."""
        (self._home / fault).touch()

    def end(self, fault: str) -> None:
        """End a fault."""
        (self._home / fault).unlink()

    def is_set(self, fault: str) -> bool:
        """Return whether a fault was begun and not ended."""
        return (self._home / fault).exists()


def load(directory: Path, manifest: Manifest, device: str, precision: str) -> Predictor:
    """Load nothing: the answers follow from the pixels. Called by `runtimes.factory`."""
    faults = Path(os.environ[_FAULTS_VARIABLE])
    if (faults / LOADS_SLOWLY).exists():
        (faults / LOADING).touch()
        time.sleep(60)
    predictor = ScriptedPredictor(manifest)

    def raise_if_asked(_: NDArray[np.uint8]) -> None:
        predictor.batches.clear()
        if (faults / FAILS_WHILE_WARMING).exists():
            raise RuntimeError("the device has no memory left")

    def spoil_if_asked(images: NDArray[np.uint8], answer: PredictionBatch) -> PredictionBatch:
        is_spoilt = images.max(axis=(1, 2, 3)) < (16 if (faults / NAN).exists() else 0)
        is_spoilt |= (faults / ALL_NAN).exists()
        for output in (answer.probabilities, answer.distance, answer.kinds):
            output[is_spoilt] = np.nan
        return answer

    predictor.on_batch = raise_if_asked
    predictor.change_answer = spoil_if_asked
    return predictor
