"""Writes the graph's function as StableHLO, which JAX runs on GPUs, TPUs and CPUs without TensorFlow."""

from pathlib import Path
from typing import Final

import jax
import numpy as np
from jax import export as jax_export

from shared.model.artefact import Tensors
from training.errors import TrainingError
from training.exporting.forms.graph_function import read_graph_function

#: The kinds of devices that the exported function can be compiled for.
PLATFORMS: Final = ("cpu", "cuda", "tpu")


def write_stablehlo(path: Path, graph: Path, tensors: Tensors) -> None:
    """Write the function of a frozen graph, for any number of images.

    The file is a NumPy archive. `module` has the bytes of the exported function, whose first argument is the images,
    and whose other arguments are the weights. `offsets` [weights] says where the bytes of each weight begin in the
    file of the graph, so that the artefact contains the weights once.

    Raises:
        TrainingError: The graph has an operation that is not known here.
    """
    content = graph.read_bytes()
    function = read_graph_function(content, tensors)
    offsets = [content.find(np.ascontiguousarray(weight).tobytes()) for weight in function.weights.values()]
    if -1 in offsets:
        raise TrainingError(f"{graph} does not store its weights as contiguous arrays.")
    (count,) = jax_export.symbolic_shape("n")
    shapes = [(count, function.size, function.size, 3), *(weight.shape for weight in function.weights.values())]
    dtypes = [np.dtype(np.uint8), *(weight.dtype for weight in function.weights.values())]
    arguments = [
        jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]
        for shape, dtype in zip(shapes, dtypes, strict=True)
    ]
    exported = jax_export.export(jax.jit(function.call), platforms=PLATFORMS)(*arguments)
    with path.open("wb") as stream:
        np.savez_compressed(
            stream,
            module=np.frombuffer(exported.serialize(), np.uint8),
            offsets=np.array(offsets, np.int64),
        )
