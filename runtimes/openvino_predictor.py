"""The runtime for CPUs: reads the frozen TensorFlow graph with OpenVINO."""

from pathlib import Path
from typing import Final

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from runtimes.base import PredictionBatch, Predictor
from runtimes.output_check import check_input, check_outputs
from shared.config.settings import SettingsError
from shared.config.usable_cores import usable_cores
from shared.model.artefact import ArtefactError, Manifest, Tensors

#: Name of the only device, as TensorFlow would call it.
DEVICE: Final = "CPU:0"


class OpenVINOPredictor:
    """A frozen graph on the CPU, in float32: bfloat16 changes the band of one image in a hundred.

    Args:
        path: File with the frozen GraphDef.
        tensors: Names of the graph's input and outputs.

    Raises:
        ArtefactError: OpenVINO cannot load the graph, or a tensor is missing.
    """

    runtime = "openvino"
    device = DEVICE
    #: Measured: an image costs the same in batches of 2 to 24, and more in larger ones. Each size takes memory.
    max_useful_batch = 8

    def __init__(self, path: Path, tensors: Tensors) -> None:
        self._model = _load_model(path, tensors)
        self._request = self._model.create_infer_request()

    @property
    def input_spec(self) -> tuple[str, tuple[int | None, ...]]:
        """Name of the input's type in NumPy's words, and its shape; None stands for a dimension of any length."""
        graph_input = self._model.input(0)
        shape = graph_input.get_partial_shape()
        lengths = tuple(None if dimension.is_dynamic else dimension.get_length() for dimension in shape)
        return str(np.dtype(graph_input.get_element_type().to_dtype())), lengths

    def predict(self, images: NDArray[np.uint8]) -> PredictionBatch:
        """Run one forward pass over uint8 [n, size, size, 3]."""
        results = self._request.infer({0: images})
        # The next call overwrites the results.
        return PredictionBatch(*(results[index].copy() for index in range(4)))


def load(directory: Path, manifest: Manifest, device: str) -> Predictor:
    """Load an artefact's graph on the CPU, and check that it fits the manifest.

    Raises:
        ArtefactError: The graph cannot be loaded or does not fit the manifest.
        SettingsError: `device` is another one than the CPU.
    """
    if device not in ("", DEVICE):
        raise SettingsError(
            f"setting MELANOMA_DEVICE: there is no {device} for the runtime openvino, which uses {DEVICE}."
        )
    predictor = OpenVINOPredictor(directory / manifest.graph, manifest.tensors)
    check_input(directory, manifest, *predictor.input_spec)
    check_outputs(directory, manifest, predictor)
    return predictor


def _load_model(path: Path, tensors: Tensors) -> ov.CompiledModel:
    names = (tensors.probabilities, tensors.evidence, tensors.distance, tensors.kinds)
    try:
        graph = ov.Core().read_model(path)
        operations = {operation.get_friendly_name(): operation for operation in graph.get_ordered_ops()}
        parameters = {parameter.output(0).get_any_name(): parameter for parameter in graph.get_parameters()}
        outputs = [operations[name].output(0) for name in names]
        selected = ov.Model(outputs, [parameters[f"{tensors.picture}:0"]], path.stem)
        return ov.Core().compile_model(
            selected,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": usable_cores(),
                # One request at a time uses all threads.
                "NUM_STREAMS": 1,
            },
        )
    except (RuntimeError, KeyError, OSError) as error:
        # A file that is no graph and an operation that OpenVINO lacks raise RuntimeError; a missing tensor, KeyError.
        raise ArtefactError(f"{path} is not a graph that OpenVINO {ov.__version__} can load: {error}.") from error
