"""The exported graph, run by the runtime that serves it, on images decoded as serving decodes them."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import tensorflow as tf

from runtimes.base import PredictionBatch
from runtimes.tensorflow_predictor import TensorFlowPredictor
from shared.images.preprocessing import PreprocessingSpec
from shared.model.artefact import Tensors
from training.data.image_cache import Pixels, decode_file
from training.errors import TrainingError
from training.metrics.bootstrap import Floats


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


class GraphFeatures:
    """The features in a frozen graph from which it computes the kinds: the channel means of two feature maps.

    Raises:
        TrainingError: The graph was not made by this package.
    """

    def __init__(self, path: Path, tensors: Tensors) -> None:
        graph = tf.compat.v1.GraphDef()
        graph.ParseFromString(path.read_bytes())
        node_by_name = {node.name: node for node in graph.node}
        node = node_by_name[tensors.kinds]
        while node.op != "MatMul":
            if not node.input:
                raise TrainingError(f"{path} does not compute its kinds from features: export the model again.")
            node = node_by_name[node.input[0]]
        name = node.input[0]
        imported = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
        graph_input, features = (imported.graph.get_tensor_by_name(f"{each}:0") for each in (tensors.picture, name))
        self._function = imported.prune(graph_input, features)

    def extract(self, images: Sequence[Pixels], batch: int = 32) -> Floats:
        """Extract the features [n, features] of images, at least one, each uint8 [size, size, 3]."""
        chunks = (np.stack(images[start : start + batch]) for start in range(0, len(images), batch))
        return np.concatenate([self._function(tf.constant(chunk)).numpy() for chunk in chunks])
