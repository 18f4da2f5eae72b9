"""The reference runtime: runs a frozen TensorFlow graph on one device."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.base import FLOAT32, PredictionBatch, Predictor
from shared.model.artefact import ArtefactError, Manifest, Tensors

# TensorFlow reads this at import; level 2 hides its start-up messages, which tell an operator nothing.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from runtimes.output_check import check_input, check_outputs
from runtimes.tensorflow_device import select_device


class TensorFlowPredictor:
    """A frozen graph on one device.

    Args:
        path: File with the frozen GraphDef.
        tensors: Names of the graph's input and outputs.
        device: Name of the device; '' leaves the placement to TensorFlow.

    Raises:
        ArtefactError: TensorFlow cannot load the graph, or a tensor is missing.
    """

    runtime = "tensorflow"
    precision = FLOAT32

    def __init__(self, path: Path, tensors: Tensors, device: str = "") -> None:
        self._device = device
        self._function = _load_function(path, tensors)

    @property
    def device(self) -> str:
        """`CPU:0`, `GPU:0`, `GPU:1` ..."""
        return self._device

    @property
    def input_spec(self) -> tuple[str, tuple[int | None, ...]]:
        """Name of the input's type in NumPy's words, and its shape; None stands for a dimension of any length."""
        graph_input = self._function.inputs[0]
        return graph_input.dtype.name, tuple(graph_input.shape.as_list())

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        """Run one forward pass over uint8 [n, size, size, 3]."""
        # The graph names no device, so all of it runs on the device of the call.
        with tf.device(self._device):
            return PredictionBatch(*(tensor.numpy() for tensor in self._function(tf.constant(images))))


def load(directory: Path, manifest: Manifest, device: str, _precision: str) -> Predictor:
    """Load an artefact's graph on the device that `select_device` selects, and check that it fits the manifest.

    The reference always computes in float32.

    Raises:
        ArtefactError: The graph cannot be loaded or does not fit the manifest.
        SettingsError: There is no such device.
    """
    predictor = TensorFlowPredictor(directory / manifest.graph, manifest.tensors, select_device(device))
    check_input(directory, manifest, *predictor.input_spec)
    check_outputs(directory, manifest, predictor)
    return predictor


def _load_function(path: Path, tensors: Tensors) -> Any:
    """Load a function of one tensor. A frozen graph runs two to four times faster than `model.predict`."""
    definition = tf.compat.v1.GraphDef()
    try:
        definition.ParseFromString(path.read_bytes())
        imported = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, name=""), [])
        graph_input, *outputs = (
            imported.graph.get_tensor_by_name(f"{name}:0")
            for name in (tensors.picture, tensors.probabilities, tensors.evidence, tensors.distance, tensors.kinds)
        )
    except Exception as error:
        # Protobuf, TensorFlow and a missing tensor raise different errors, which mean the same to an operator.
        raise ArtefactError(f"{path} is not a graph that TensorFlow {tf.__version__} can load: {error}.") from error
    return imported.prune(graph_input, outputs)
