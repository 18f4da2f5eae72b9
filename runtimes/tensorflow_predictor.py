"""The reference runtime: a frozen TensorFlow graph on one device."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.base import PredictionBatch
from shared.model.artefact import ArtefactError, Manifest

# Read by TensorFlow when it is imported: its start-up notes are no news for an operator.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from runtimes.tensorflow_device import select_device


class TensorFlowPredictor:
    """`manifest`'s graph from `directory`, on `device`, or for '' on the first GPU, or else the CPU.

    Raises `ArtefactError` where the graph does not fit the manifest, and `SettingsError` where there
    is no such device.
    """

    def __init__(self, directory: Path, manifest: Manifest, device: str = "") -> None:
        self._device = select_device(device)
        self._function = _load(directory / manifest.graph, manifest)
        with tf.device(self._device):
            _check_shapes(self._function, directory, manifest)

    @property
    def device(self) -> str:
        """`CPU:0`, `GPU:0`, `GPU:1` ..."""
        return self._device

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        """One forward pass over uint8 [n, size, size, 3]."""
        # The graph names no device, so all of it runs where it is called.
        with tf.device(self._device):
            return PredictionBatch(*(tensor.numpy() for tensor in self._function(tf.constant(images))))


def _load(path: Path, manifest: Manifest) -> Any:
    """A function of one tensor. A frozen graph runs two to four times faster than `model.predict`."""
    graph = tf.compat.v1.GraphDef()
    names = manifest.tensors
    try:
        graph.ParseFromString(path.read_bytes())
        imported = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
        tensors = [
            imported.graph.get_tensor_by_name(f"{name}:0")
            for name in (names.picture, names.probabilities, names.evidence, names.distance, names.kinds)
        ]
    except Exception as error:
        # Protobuf, TensorFlow and a missing tensor each raise something else; all mean the same to an operator.
        raise ArtefactError(f"{path} is not a graph that TensorFlow {tf.__version__} can load: {error}.") from error
    return imported.prune(tensors[0], tensors[1:])


def _check_shapes(function: Any, directory: Path, manifest: Manifest) -> None:
    size = manifest.picture.size
    wanted = (None, size, size, 3)
    given = tuple(function.inputs[0].shape.as_list())
    if given != wanted or function.inputs[0].dtype != tf.uint8:
        raise ArtefactError(
            f"the graph in {directory} takes {function.inputs[0].dtype.name} {given}, but model.json says"
            f" uint8 {wanted}: export the model again."
        )
    one = np.zeros((1, size, size, 3), np.uint8)
    probabilities, evidence, distance, kinds = function(tf.constant(one))
    wanted_out = (1, len(manifest.labels)), (1, len(manifest.kinds.names))
    if (probabilities.shape, kinds.shape) != wanted_out or len(evidence.shape) != 3 or distance.shape != (1,):
        raise ArtefactError(
            f"the graph in {directory} gives {probabilities.shape[-1]} probabilities and {kinds.shape[-1]} kinds, but"
            f" model.json has {len(manifest.labels)} labels and {len(manifest.kinds.names)} kinds, or its evidence or"
            " distance has another shape: export the model again."
        )
