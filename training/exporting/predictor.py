"""The exported graph, run as serving runs it, on pictures decoded as serving decodes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from shared.images.preprocessing import PreprocessingSpec
from shared.model.artefact import Tensors
from training.data.image_cache import Pixels, decode_file

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Predicted:
    """Probabilities [n, labels], evidence [n, rows, columns], distance [n] and kinds [n, kinds], all float32."""

    probabilities: Floats
    evidence: Floats
    distance: Floats
    kinds: Floats


class GraphPredictor:
    """A frozen graph. Raises `OSError` where it cannot be read."""

    def __init__(self, path: Path, tensors: Tensors) -> None:
        definition = tf.compat.v1.GraphDef()
        definition.ParseFromString(path.read_bytes())
        whole = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
        names = (tensors.picture, tensors.probabilities, tensors.evidence, tensors.distance, tensors.kinds)
        fed, *fetched = [whole.graph.get_tensor_by_name(f"{name}:0") for name in names]
        self._function = whole.prune(fed, fetched)

    def predict(self, pixels: Pixels) -> Predicted:
        """Predict one batch, uint8 [n, size, size, 3]."""
        return Predicted(*(tensor.numpy() for tensor in self._function(tf.constant(pixels))))

    def predict_files(self, paths: Sequence[Path], rules: PreprocessingSpec, batch: int = 32) -> Predicted:
        """Decode and predict pictures, at least one. Raises `TrainingError` where one cannot be decoded."""
        return self.predict_each((decode_file(path, rules) for path in paths), batch)

    def predict_each(self, pictures: Iterable[Pixels], batch: int = 32) -> Predicted:
        """Predict pictures, at least one, each uint8 [size, size, 3], a batch in memory at a time."""
        parts, left = [], iter(pictures)
        while some := list(islice(left, batch)):
            parts.append(self.predict(np.stack(some)))
        return Predicted(
            np.concatenate([part.probabilities for part in parts]),
            np.concatenate([part.evidence for part in parts]),
            np.concatenate([part.distance for part in parts]),
            np.concatenate([part.kinds for part in parts]),
        )
