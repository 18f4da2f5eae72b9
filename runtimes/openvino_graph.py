"""Reads a frozen graph with OpenVINO, cuts it into parts and compiles them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from shared.config.usable_cores import usable_cores
from shared.model.artefact import Tensors

# On import OpenVINO starts a process that reports its use to the vendor. A service for photographs of patients sends
# nothing to third parties. Without this package OpenVINO reports nothing.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # noqa: E402
from openvino import opset13  # noqa: E402

#: Version of OpenVINO, for error messages.
VERSION: Final[str] = ov.__version__

FLOAT32_HINT: Final = "f32"
BFLOAT16_HINT: Final = "bf16"

#: The cut is made where the side of the feature map is still at least this share of the image's.
_MIN_SIDE_SHARE: Final = 1 / 4


@dataclass(frozen=True, slots=True)
class Cuts:
    """Places at which a graph is cut, as positions in its topological order.

    Attributes:
        front: The last operation of the front. Nothing after it reads an earlier one.
        features: The operations whose outputs the tail reads.
    """

    front: int
    features: tuple[int, ...]


@cache
def _core() -> ov.Core:
    """OpenVINO's core. It lives as long as the process.

    The CPU plugin gives the thread that loads it a stack for signal handlers, and frees that stack when the last core
    goes. If another thread drops it, the next signal ends the process by SIGSEGV, SIGTERM among them.
    """
    return ov.Core()


def read_graph(path: Path, tensors: Tensors) -> ov.Model:
    """Read a frozen GraphDef as a model of one input and four outputs.

    Raises:
        RuntimeError: The file is no graph, or it has an operation that OpenVINO lacks.
        KeyError: A tensor is missing.
    """
    graph = _core().read_model(path)
    operations = {operation.get_friendly_name(): operation for operation in graph.get_ordered_ops()}
    parameters = {parameter.output(0).get_any_name(): parameter for parameter in graph.get_parameters()}
    names = (tensors.probabilities, tensors.evidence, tensors.distance, tensors.kinds)
    outputs = [operations[name].output(0) for name in names]
    return ov.Model(outputs, [parameters[f"{tensors.picture}:0"]], path.stem)


def compile_graph(graph: ov.Model, precision: str) -> ov.CompiledModel:
    """Compile a graph for the CPU, by `FLOAT32_HINT` or `BFLOAT16_HINT`. Raises `RuntimeError`."""
    return _core().compile_model(
        graph,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": usable_cores(),
            # One request at a time uses all threads.
            "NUM_STREAMS": 1,
            # Pinned, the threads of every worker on this machine would share the first cores.
            "ENABLE_CPU_PINNING": False,
        },
    )


def computes_in_bfloat16() -> bool:
    """Return whether the CPU has instructions for bfloat16."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def find_cuts(graph: ov.Model) -> Cuts | None:
    """Find where to cut a graph of convolutions into front, middle and tail; None if there is no such place.

    The front ends at the smallest feature map that the rest of the graph alone depends on, while maps are large. The
    tail begins behind the last activation: it is the heads and the distance.
    """
    operations = _list_operations(graph)
    position = {operation.get_friendly_name(): index for index, operation in enumerate(operations)}
    readers: list[list[int]] = [[] for _ in operations]
    for index, operation in enumerate(operations):
        for source in operation.input_values():
            # Constants have no position. Every part has its own copy of those that it reads.
            if (source_index := position.get(source.get_node().get_friendly_name())) is not None:
                readers[source_index].append(index)
    front = _find_front(operations, readers)
    activations = [index for index, operation in enumerate(operations) if operation.get_type_name() == "Clamp"]
    if front is None or not activations or activations[-1] <= front:
        return None
    middle = {activations[-1]}
    for index in range(activations[-1], front, -1):
        if middle.intersection(readers[index]):
            middle.add(index)
    features = tuple(sorted(index for index in middle if set(readers[index]) - middle))
    return Cuts(front, features)


def extract_part(graph: ov.Model, inputs: Sequence[int], outputs: Sequence[int]) -> ov.Model:
    """Copy the part of a graph that computes some operations from others.

    Args:
        graph: The whole graph.
        inputs: Positions of the operations whose outputs become the part's inputs; empty: the graph's own input.
        outputs: Positions of the operations that the part computes; empty: the graph's own outputs.
    """
    copy = graph.clone()
    operations = _list_operations(copy)
    results = [operations[index].output(0) for index in outputs] or [
        result.input_value(0) for result in copy.get_results()
    ]
    parameters = [_replace_by_parameter(operations[index]) for index in inputs] or copy.get_parameters()
    return ov.Model(results, parameters, graph.get_friendly_name())


def _list_operations(graph: ov.Model) -> list[Any]:
    ignored = ("Constant", "Result")
    return [operation for operation in graph.get_ordered_ops() if operation.get_type_name() not in ignored]


def _find_front(operations: Sequence[Any], readers: Sequence[Sequence[int]]) -> int | None:
    side = next(
        shape[1].get_length()
        for operation in operations
        if operation.get_type_name() == "Parameter" and (shape := operation.output(0).get_partial_shape())
    )
    best, best_size, last_reader = None, 0, 0
    for index, operation in enumerate(operations):
        is_cut = last_reader <= index
        last_reader = max([last_reader, *readers[index]])
        if not is_cut or operation.get_type_name() == "Parameter":
            continue
        lengths = list(operation.output(0).get_partial_shape())[1:]
        if len(lengths) != 3 or any(length.is_dynamic for length in lengths):
            continue
        channels, rows, columns = (length.get_length() for length in lengths)
        size = channels * rows * columns
        if rows >= side * _MIN_SIDE_SHARE and (best is None or size <= best_size):
            best, best_size = index, size
    return best


def _replace_by_parameter(operation: Any) -> Any:
    output = operation.output(0)
    parameter = opset13.parameter(output.get_partial_shape(), output.get_element_type())
    for reader in list(output.get_target_inputs()):
        reader.replace_source_output(parameter.output(0))
    return parameter
