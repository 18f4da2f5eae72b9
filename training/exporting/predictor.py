"""The exported graph, run by the runtime that serves it, on images decoded as serving decodes them."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from runtimes.base import PredictionBatch
from runtimes.tensorflow_predictor import TensorFlowPredictor
from shared.images.preprocessing import PreprocessingSpec
from training.data.image_cache import Pixels, decode_file


class GraphPredictor(TensorFlowPredictor):
    """A frozen graph that also predicts files and any number of images.

    TensorFlow chooses the device: training has used it before, and it cannot be configured any more.
    """

    def predict_files(self, paths: Sequence[Path], spec: PreprocessingSpec, batch: int = 32) -> PredictionBatch:
        """Decode and predict images, at least one.

        Raises:
            TrainingError: A file cannot be decoded.
        """
        return self.predict_each((decode_file(path, spec) for path in paths), batch)

    def predict_each(self, images: Iterable[Pixels], batch: int = 32) -> PredictionBatch:
        """Predict images, at least one, each uint8 [size, size, 3], a batch in memory at a time."""
        parts, remaining = [], iter(images)
        while chunk := list(islice(remaining, batch)):
            parts.append(self.predict(np.stack(chunk)))
        return PredictionBatch(
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.evidence for part in parts]),
            np.concatenate([part.distance for part in parts]),
            np.concatenate([part.kinds for part in parts]),
        )
