"""Writes the exported model: one frozen TensorFlow graph, from uint8 images to all outputs that serving needs.

Batch normalisation is folded into the convolutions. This is exact, because normalisation comes after the zero padding.
Subtracting the input's offset comes before the padding, so folding it would change the borders; it stays an operation.
Kernels can be stored in half precision. The file is then half as large, but TensorFlow casts each kernel of more than
100 kB again in every call (3 ms of 13 at batch 1).
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from shared.model.artefact import Tensors
from training.calibration.distance import FeatureDistance
from training.calibration.kinds import KindClassifier
from training.calibration.population_calibration import PopulationCalibration
from training.data.records.labels import COUNTED, LABELS
from training.model.architecture import BN_EPSILON, OFFSET, SCALE, Architecture
from training.model.classifier import POPULATIONS, head_name
from training.model.frozen_graph_import import HEAD_BIASES
from training.model.views import FLIPS, Views, flip
from training.model.weights import Weights

TENSORS: Final = Tensors(
    picture="picture", probabilities="probabilities", evidence="evidence", distance="distance", kinds="kinds"
)


class Storage(StrEnum):
    """Precision in which the kernels of the convolutions are stored. Convolutions always use single precision."""

    SINGLE = "float32"
    HALF = "float16"


_NORM: Final = ("gamma", "beta", "moving_mean", "moving_variance")


def write_graph(
    path: Path,
    weights: Weights,
    architecture: Architecture,
    calibrations: Sequence[PopulationCalibration],
    kinds: KindClassifier,
    size: int,
    storage: Storage = Storage.SINGLE,
    views: Views = 1,
) -> None:
    """Write the GraphDef of a model.

    Its input is uint8 [n, size, size, 3]. Its outputs, all float32, have the names in `TENSORS`:

    - `kinds` [n, kinds]: probabilities of the kinds, see `training.calibration.kinds`. The likelier kind of lesion
      selects the population whose head, calibration and distance the other outputs use.
    - `probabilities` [n, labels]: calibrated, each row summing to 1.
    - `evidence` [n, size/32, size/32]: with S the log-odds of the labels that count against the others, and F the last
      feature map, the sum over channels of F * dS/dF. It is the class activation map (Zhou et al., CVPR 2016) of the
      log-odds' gradient. As the head is linear in F's mean, no backward pass is needed.
    - `distance` [n]: not negative, see `training.calibration.distance`.

    `calibrations` are in the order of the heads. `size` is the side of the input in pixels. With several `views` the
    backbone sees each image and its flips, and its maps are averaged: evidence then turns with the image.
    """
    graph = tf.Graph()
    with graph.as_default():
        image = tf.compat.v1.placeholder(tf.uint8, (None, size, size, 3), name="picture")
        seen = tf.concat([flip(image, flipped) for flipped in FLIPS[:views]], 0) if views > 1 else image
        features, middle = _BackboneBuilder(weights, storage).maps(seen, architecture)
        mean = tf.reduce_mean(middle, (1, 2))
        if views > 1:
            # Of operations that the other forms of the graph know, too: flips are slices, and nothing is split.
            parts = tf.reshape(features, (views, -1, *features.shape[1:]))
            upright = [flip(parts[number], flipped) for number, flipped in enumerate(FLIPS[:views])]
            features = tf.reduce_mean(tf.stack(upright), 0)
            mean = tf.reduce_mean(tf.reshape(mean, (views, -1, mean.shape[-1])), 0)
        chosen = _add_kinds(tf.concat((mean, tf.reduce_mean(features, (1, 2))), -1), kinds)
        _add_heads(features, weights, calibrations, chosen)
        distances = tf.stack([_add_distance(mean, calibration.distance) for calibration in calibrations], -1)
        tf.reduce_sum(distances * chosen, -1, name=TENSORS.distance)
    path.write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))


class _BackboneBuilder:
    """Adds the backbone to the current graph, with batch normalisation folded in."""

    def __init__(self, weights: Weights, storage: Storage) -> None:
        self._weights = weights
        self._storage = storage

    def maps(self, image: tf.Tensor, architecture: Architecture) -> tuple[tf.Tensor, tf.Tensor]:
        """Add all layers; return the last feature map of uint8 images, and the middle block's."""
        maps = []
        x = (tf.cast(image, tf.float32) - OFFSET) * (1 / SCALE)
        x = tf.nn.relu6(self._conv(x, "stem", 2))
        for index, block in enumerate(architecture.blocks):
            name, block_input = f"block{index}", x
            if block.expand != 1:
                x = tf.nn.relu6(self._conv(x, f"{name}_expand"))
            x = tf.nn.relu6(self._conv(x, f"{name}_depthwise", block.stride))
            x = self._conv(x, f"{name}_project")
            if block.has_residual:
                x = block_input + x
            maps.append(x)
        return tf.nn.relu6(self._conv(x, "features")), maps[architecture.middle]

    def _conv(self, x: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        kernel = self._weights[f"{name}/kernel"]
        norm = {part: self._weights[f"{name}_norm/{part}"] for part in _NORM}
        gain = norm["gamma"] / np.sqrt(norm["moving_variance"] + BN_EPSILON)
        if name.endswith("_depthwise"):
            x = tf.nn.depthwise_conv2d(x, self._stored(kernel * gain[:, None]), [1, stride, stride, 1], "SAME")
        else:
            x = tf.nn.conv2d(x, self._stored(kernel * gain), stride, "SAME")
        return tf.nn.bias_add(x, tf.constant(norm["beta"] - norm["moving_mean"] * gain, tf.float32))

    def _stored(self, kernel: npt.NDArray[np.floating]) -> tf.Tensor:
        return tf.cast(tf.constant(kernel, self._storage.value), tf.float32)


def _add_kinds(means: tf.Tensor, head: KindClassifier) -> tf.Tensor:
    """Add `kinds`; return the likelier population of each image, one-hot float32 [n, populations]."""
    probabilities = tf.nn.softmax(
        tf.matmul(means, tf.constant(head.weights)) + tf.constant(head.bias), name=TENSORS.kinds
    )
    count = len(POPULATIONS)
    return tf.one_hot(tf.argmax(probabilities[:, :count], -1), count)


def _add_heads(
    features: tf.Tensor, model: Weights, calibrations: Sequence[PopulationCalibration], chosen: tf.Tensor
) -> None:
    """Add `probabilities` and `evidence`, computed by the head of the chosen population."""
    heads, biases = [], []
    for population, calibration in zip(POPULATIONS, calibrations, strict=True):
        scaling, name = calibration.scaling, head_name(population)
        heads.append(model[f"{name}/kernel"] / scaling.temperature)
        biases.append((model[f"{name}/bias"] + scaling.offsets) / scaling.temperature)
    rows, columns, labels = features.shape[1], features.shape[2], len(LABELS)
    # The contribution of each cell to each logit. A logit is the sum of its contributions and the bias.
    kernel = np.concatenate(heads, axis=1)[None, None] / (rows * columns)
    contributions = tf.nn.conv2d(features, tf.constant(kernel, tf.float32), 1, "VALID")
    contributions = tf.reshape(contributions, (-1, rows, columns, len(POPULATIONS), labels))
    contributions = tf.reduce_sum(contributions * chosen[:, None, None, :, None], 3)
    head_biases = tf.constant(np.stack(biases), tf.float32, name=HEAD_BIASES)
    logits = tf.reduce_sum(contributions, (1, 2)) + tf.matmul(chosen, head_biases)
    tf.nn.softmax(logits, name=TENSORS.probabilities)
    # S = logsumexp(labels that count) - logsumexp(the others). Its gradient dS/dlogits is a softmax within each side.
    is_counted = np.isin(np.arange(labels), COUNTED)
    hide_others = tf.constant(np.where(is_counted, 0, -1e9), tf.float32)
    hide_counted = tf.constant(np.where(is_counted, -1e9, 0), tf.float32)
    gradient = tf.nn.softmax(logits + hide_others) - tf.nn.softmax(logits + hide_counted)
    tf.reduce_sum(contributions * gradient[:, None, None, :], -1, name=TENSORS.evidence)


def _add_distance(middle: tf.Tensor, distance: FeatureDistance) -> tf.Tensor:
    """Add the computation of `FeatureDistance.__call__`."""
    centred = middle - tf.constant(distance.mean)
    projected = tf.matmul(centred, tf.constant(distance.directions))
    squared = tf.reduce_sum(projected * projected * tf.constant(distance.precision_gain), -1)
    squared += tf.reduce_sum(centred * centred, -1) / distance.residual_variance
    return tf.sqrt(tf.nn.relu(squared) / len(distance.mean))
