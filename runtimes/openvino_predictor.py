"""The runtime for CPUs: reads the frozen TensorFlow graph with OpenVINO."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runtimes.base import FLOAT32, MIXED, PredictionBatch, Predictor
from runtimes.openvino_graph import (
    BFLOAT16_HINT,
    FLOAT32_HINT,
    VERSION,
    Cuts,
    compile_graph,
    computes_in_bfloat16,
    extract_part,
    find_cuts,
    read_graph,
)
from runtimes.output_check import check_input, check_outputs
from runtimes.uncertain_rows import find_uncertain_rows
from shared.config.settings import SettingsError
from shared.model.artefact import ArtefactError, Manifest, Tensors

#: Name of the only device, as TensorFlow would call it.
DEVICE: Final = "CPU:0"

#: `auto` chooses mixed precision if it is faster than float32 by this factor. It needs more memory, so it must pay.
_MIN_GAIN: Final = 1.15
#: Images in the batches by which `auto` compares precisions, and batches of each.
_TRIAL_BATCH: Final = 4
_TRIAL_REPEATS: Final = 3

Predict = Callable[[NDArray[np.uint8]], PredictionBatch]


class OpenVINOPredictor:
    """A frozen graph on the CPU.

    Args:
        path: File with the frozen GraphDef.
        tensors: Names of the graph's input and outputs.

    Raises:
        ArtefactError: OpenVINO cannot load the graph, or a tensor is missing.

    Attributes:
        precision: `FLOAT32` or `MIXED`.
    """

    runtime = "openvino"
    device = DEVICE
    #: Measured: an image costs the same in batches of 2 to 24, and more in larger ones. Each size takes memory.
    max_useful_batch = 8

    def __init__(self, path: Path, tensors: Tensors) -> None:
        self.precision = FLOAT32
        try:
            self._graph = read_graph(path, tensors)
            self.predict: Predict = _SinglePrecision(self._graph)
        except (RuntimeError, KeyError, OSError) as error:
            # A file that is no graph and an operation that OpenVINO lacks raise RuntimeError; a missing tensor,
            # KeyError.
            raise ArtefactError(f"{path} is not a graph that OpenVINO {VERSION} can load: {error}.") from error

    @property
    def input_spec(self) -> tuple[str, tuple[int | None, ...]]:
        """Name of the input's type in NumPy's words, and its shape; None stands for a dimension of any length."""
        graph_input = self._graph.input(0)
        shape = graph_input.get_partial_shape()
        lengths = tuple(None if dimension.is_dynamic else dimension.get_length() for dimension in shape)
        return str(np.dtype(graph_input.get_element_type().to_dtype())), lengths

    def choose_precision(self, precision: str, manifest: Manifest) -> None:
        """Choose the precision of a graph that fits its manifest.

        `MIXED` uses bfloat16 if the CPU has instructions for it; `AUTO` uses it only if it is faster, too.
        """
        if precision == FLOAT32 or not computes_in_bfloat16() or (cuts := find_cuts(self._graph)) is None:
            return
        mixed = _MixedPrecision(self._graph, cuts, manifest)
        if precision == MIXED or _measure_gain(self.predict, mixed, manifest.picture.size) >= _MIN_GAIN:
            self.predict, self.precision = mixed, MIXED


def load(directory: Path, manifest: Manifest, device: str, precision: str) -> Predictor:
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
    predictor.choose_precision(precision, manifest)
    return predictor


class _SinglePrecision:
    """The whole graph in float32."""

    def __init__(self, graph: Any) -> None:
        self._request = compile_graph(graph, FLOAT32_HINT).create_infer_request()

    def __call__(self, images: NDArray[np.uint8]) -> PredictionBatch:
        self._request.infer({0: images})
        return _copy_outputs(self._request)


class _MixedPrecision:
    """Front and tail of the graph in float32, the middle in bfloat16. Uncertain rows are predicted again in float32.

    Most of bfloat16's error comes from the first layers. In the tail, float32 costs nothing.
    """

    def __init__(self, graph: Any, cuts: Cuts, manifest: Manifest) -> None:
        def compile_part(inputs: tuple[int, ...], outputs: tuple[int, ...], precision: str) -> Any:
            return compile_graph(extract_part(graph, inputs, outputs), precision).create_infer_request()

        self._manifest = manifest
        self._front = compile_part((), (cuts.front,), FLOAT32_HINT)
        self._middle = compile_part((cuts.front,), cuts.features, BFLOAT16_HINT)
        self._tail = compile_part(cuts.features, (), FLOAT32_HINT)
        #: Middle and tail in float32.
        self._rest = compile_part((cuts.front,), (), FLOAT32_HINT)

    def __call__(self, images: NDArray[np.uint8]) -> PredictionBatch:
        self._front.infer({0: images})
        front = self._front.get_output_tensor(0)
        self._middle.set_input_tensor(0, front)
        self._middle.infer()
        for index in range(len(self._tail.model_inputs)):
            self._tail.set_input_tensor(index, self._middle.get_output_tensor(index))
        self._tail.infer()
        batch = _copy_outputs(self._tail)
        rows = np.flatnonzero(find_uncertain_rows(batch, self._manifest))
        if rows.size:
            self._rest.infer({0: front.data[rows]})
            exact = _copy_outputs(self._rest)
            for name in ("probabilities", "evidence", "distance", "kinds"):
                getattr(batch, name)[rows] = getattr(exact, name)
        return batch


def _copy_outputs(request: Any) -> PredictionBatch:
    """Copy the outputs, because the request's next call overwrites them."""
    return PredictionBatch(*(request.get_output_tensor(index).data.copy() for index in range(4)))


def _measure_gain(old: Predict, new: Predict, size: int) -> float:
    """Return how many times as fast as `old` `new` is.

    Not every CPU that has instructions for bfloat16 computes faster with them.
    """
    images = np.random.default_rng(0).integers(0, 256, (_TRIAL_BATCH, size, size, 3), dtype=np.uint8)
    seconds: dict[Predict, list[float]] = {old: [], new: []}
    for _ in range(_TRIAL_REPEATS + 1):
        for predict, measured in seconds.items():
            started = time.perf_counter()
            predict(images)
            measured.append(time.perf_counter() - started)
    # The first call of each allocates memory.
    return min(seconds[old][1:]) / min(seconds[new][1:])
