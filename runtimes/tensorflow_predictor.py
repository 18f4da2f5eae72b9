"""The reference runtime: runs a frozen TensorFlow graph on one device."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.base import PredictionBatch, Predictor
from shared.model.artefact import ArtefactError, Manifest, Tensors

# TensorFlow reads this at import; level 2 hides its start-up messages, which tell an operator nothing.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

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

    def __init__(self, path: Path, tensors: Tensors, device: str = "") -> None:
        self._device = device
        self._function = _load_function(path, tensors)

    @property
    def device(self) -> str:
        """`CPU:0`, `GPU:0`, `GPU:1` ..."""
        return self._device

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        """Run one forward pass over uint8 [n, size, size, 3]."""
        # The graph names no device, so all of it runs on the device of the call.
        with tf.device(self._device):
            return PredictionBatch(*(tensor.numpy() for tensor in self._function(tf.constant(images))))

    def check_shapes(self, directory: Path, manifest: Manifest) -> None:
        """Run the graph once and compare its input and outputs with `manifest`.

        Raises:
            ArtefactError: A shape or the input's type differs.
        """
        size = manifest.picture.size
        expected_input = (None, size, size, 3)
        graph_input = self._function.inputs[0]
        input_shape = tuple(graph_input.shape.as_list())
        if input_shape != expected_input or graph_input.dtype != tf.uint8:
            raise ArtefactError(
                f"the graph in {directory} takes {graph_input.dtype.name} {input_shape}, but model.json says"
                f" uint8 {expected_input}: export the model again."
            )
        batch = self.predict(np.zeros((1, size, size, 3), np.uint8))
        expected_outputs = (1, len(manifest.labels)), (1, len(manifest.kinds.names))
        if (
            (batch.probabilities.shape, batch.kinds.shape) != expected_outputs
            or len(batch.evidence.shape) != 3
            or batch.distance.shape != (1,)
        ):
            raise ArtefactError(
                f"the graph in {directory} gives {batch.probabilities.shape[-1]} probabilities and"
                f" {batch.kinds.shape[-1]} kinds, but model.json has {len(manifest.labels)} labels and"
                f" {len(manifest.kinds.names)} kinds, or its evidence or distance has another shape:"
                " export the model again."
            )


def load(directory: Path, manifest: Manifest, device: str) -> Predictor:
    """Load an artefact's graph on the device that `select_device` selects, and check that it fits the manifest.

    Raises:
        ArtefactError: The graph cannot be loaded or does not fit the manifest.
        SettingsError: There is no such device.
    """
    predictor = TensorFlowPredictor(directory / manifest.graph, manifest.tensors, select_device(device))
    predictor.check_shapes(directory, manifest)
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
