"""Interprets a frozen TensorFlow graph with JAX, to export the same function for other devices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import tensorflow as tf
from jax import lax

from shared.model.artefact import Tensors
from training.errors import TrainingError

#: Without this, GPUs multiply float32 with a mantissa of ten bits.
_PRECISION: Final = lax.Precision.HIGHEST

_LAYOUT: Final = ("NHWC", "HWIO", "NHWC")

#: Constants with fewer elements are compiled into the function.
_MIN_WEIGHT_ELEMENTS: Final = 64


@dataclass(frozen=True)
class GraphFunction:
    """The function that a frozen graph computes.

    Attributes:
        weights: The large constants of the graph, by the names of their nodes.
        call: Computes probabilities, evidence, distance and kinds from uint8 [n, size, size, 3] and the weights.
        size: Side of the input in pixels.
    """

    weights: dict[str, np.ndarray]
    call: Callable[..., tuple[jax.Array, ...]]
    size: int


def read_graph_function(graph: bytes, tensors: Tensors) -> GraphFunction:
    """Read a serialised GraphDef.

    Raises:
        TrainingError: The graph has an operation that is not known here.
    """
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(graph)
    nodes = {node.name: node for node in definition.node}
    unknown = sorted({node.op for node in definition.node} - _OPERATIONS.keys() - {"Const", "Placeholder"})
    if unknown:
        raise TrainingError(f"The graph has operations that cannot be exported as StableHLO: {', '.join(unknown)}.")
    constants = {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in nodes.values() if node.op == "Const"}
    weights = {
        name: value
        for name, value in constants.items()
        if value.size >= _MIN_WEIGHT_ELEMENTS and nodes[name].attr["value"].tensor.tensor_content
    }
    outputs = (tensors.probabilities, tensors.evidence, tensors.distance, tensors.kinds)

    def call(images: jax.Array, *arguments: jax.Array) -> tuple[jax.Array, ...]:
        values: dict[str, Any] = {**constants, **dict(zip(weights, arguments, strict=True)), tensors.picture: images}
        return tuple(_compute(name, nodes, values) for name in outputs)

    shape = nodes[tensors.picture].attr["shape"].shape
    return GraphFunction(weights, call, shape.dim[1].size)


def _compute(name: str, nodes: Mapping[str, Any], values: dict[str, Any]) -> Any:
    """Compute the value of a node and of all that it depends on, without recursion: graphs are deep."""
    pending = [name]
    while pending:
        node = nodes[pending[-1]]
        if node.name in values:
            pending.pop()
            continue
        sources = [source.removesuffix(":0") for source in node.input]
        if missing := [source for source in sources if source not in values]:
            pending.extend(missing)
            continue
        values[node.name] = _OPERATIONS[node.op](node.attr, *(values[source] for source in sources))
        pending.pop()
    return values[name]


def _convolve(attributes: Any, x: jax.Array, kernel: jax.Array) -> jax.Array:
    _, *strides, _ = attributes["strides"].list.i
    padding = attributes["padding"].s.decode()
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=_LAYOUT, precision=_PRECISION)


def _convolve_depthwise(attributes: Any, x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Add the products of the kernel's cells with the shifted image.

    On CPUs XLA needs twenty times as long for a convolution in as many groups as channels.
    """
    _, *strides, _ = attributes["strides"].list.i
    rows, columns, channels, multiplier = kernel.shape
    if multiplier != 1:
        raise TrainingError("The graph has a depthwise convolution that multiplies its channels.")
    pads = lax.padtype_to_pads(x.shape[1:3], (rows, columns), strides, attributes["padding"].s.decode())
    padded = jnp.pad(x, ((0, 0), *pads, (0, 0)))
    stops = [size - length + 1 for size, length in zip(padded.shape[1:3], (rows, columns), strict=True)]
    shifted = [
        padded[:, row : row + stops[0] : strides[0], column : column + stops[1] : strides[1]]
        * jnp.reshape(kernel[row, column], (channels,))
        for row in range(rows)
        for column in range(columns)
    ]
    return sum(shifted[1:], start=shifted[0])


def _multiply_matrices(attributes: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    left = x.T if attributes["transpose_a"].b else x
    right = y.T if attributes["transpose_b"].b else y
    return jnp.matmul(left, right, precision=_PRECISION)


def _reduce(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    def reduce(attributes: Any, x: jax.Array, axes: np.ndarray) -> jax.Array:
        return function(x, axis=tuple(np.ravel(axes).tolist()), keepdims=attributes["keep_dims"].b)

    return reduce


def _slice(attributes: Any, x: jax.Array, begin: np.ndarray, end: np.ndarray, strides: np.ndarray) -> jax.Array:
    masks = {name: attributes[f"{name}_mask"].i for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
    index: list[Any] = []
    for axis, (start, stop, step) in enumerate(zip(begin.tolist(), end.tolist(), strides.tolist(), strict=True)):
        bit = 1 << axis
        if masks["ellipsis"] & bit:
            index.append(Ellipsis)
        elif masks["new_axis"] & bit:
            index.append(None)
        elif masks["shrink_axis"] & bit:
            index.append(start)
        else:
            index.append(slice(None if masks["begin"] & bit else start, None if masks["end"] & bit else stop, step))
    return x[tuple(index)]


def _to_one_hot(attributes: Any, indices: jax.Array, depth: np.ndarray, on: np.ndarray, off: np.ndarray) -> jax.Array:
    return jnp.where(jax.nn.one_hot(indices, int(depth), dtype=bool, axis=attributes["axis"].i), on, off)


def _concatenate(_: Any, *inputs: Any) -> jax.Array:
    *parts, axis = inputs
    return jnp.concatenate(parts, axis=int(axis))


def _reshape(_: Any, x: jax.Array, shape: np.ndarray) -> jax.Array:
    return jnp.reshape(x, tuple(np.ravel(shape).tolist()))


def _stack(attributes: Any, *parts: jax.Array) -> jax.Array:
    return jnp.stack(parts, axis=attributes["axis"].i)


def _cast(attributes: Any, x: jax.Array) -> jax.Array:
    return jnp.asarray(x, tf.as_dtype(attributes["DstT"].type).as_numpy_dtype)


def _find_largest(_: Any, x: jax.Array, axis: np.ndarray) -> jax.Array:
    return jnp.argmax(x, axis=int(axis))


def _ignore_attributes(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    return lambda _, *inputs: function(*inputs)


_OPERATIONS: Final[Mapping[str, Callable[..., jax.Array]]] = {
    "AddV2": _ignore_attributes(jnp.add),
    "ArgMax": _find_largest,
    "BiasAdd": _ignore_attributes(jnp.add),
    "Cast": _cast,
    "ConcatV2": _concatenate,
    "Conv2D": _convolve,
    "DepthwiseConv2dNative": _convolve_depthwise,
    "MatMul": _multiply_matrices,
    "Mean": _reduce(jnp.mean),
    "Mul": _ignore_attributes(jnp.multiply),
    "OneHot": _to_one_hot,
    "Pack": _stack,
    "RealDiv": _ignore_attributes(jnp.divide),
    "Relu": _ignore_attributes(jax.nn.relu),
    "Relu6": _ignore_attributes(jax.nn.relu6),
    "Reshape": _reshape,
    "Softmax": _ignore_attributes(jax.nn.softmax),
    "Sqrt": _ignore_attributes(jnp.sqrt),
    "StridedSlice": _slice,
    "Sub": _ignore_attributes(jnp.subtract),
    "Sum": _reduce(jnp.sum),
}
