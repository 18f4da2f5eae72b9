"""The exported model: one frozen TensorFlow graph, from uint8 pictures to all that serving needs.

Batch normalisation is folded into the convolutions, which is exact: they come after the zero padding. The
subtraction of the input's offset is not folded: before the padding, it would change the borders. Kernels are
stored in single precision: in half, the file is half as large, but TensorFlow casts each kernel of more than
100 kB anew in every call (3 ms of 13 at batch 1).
"""

from pathlib import Path
from typing import Final

import numpy as np
import tensorflow as tf

from shared.artefact import Tensors
from training.calibration.calibrate import Calibration
from training.calibration.distance import Distance
from training.calibration.kinds import KindHead
from training.data.labels import COUNTED, LABELS
from training.data.picture import Population
from training.model.architecture import BN_EPSILON, OFFSET, SCALE, Architecture
from training.model.build import head_name
from training.model.weights import Weights

TENSORS: Final = Tensors(
    picture="picture", probabilities="probabilities", evidence="evidence", distance="distance", kinds="kinds"
)

_NORM: Final = ("gamma", "beta", "moving_mean", "moving_variance")


def write_graph(
    path: Path,
    weights: Weights,
    architecture: Architecture,
    calibration: Calibration,
    distance: Distance,
    kinds: KindHead,
    size: int,
) -> None:
    """Write the GraphDef of the model that `weights` belong to.

    In: uint8 [n, size, size, 3]. Out, all float32, by the names in `TENSORS`:

    - `probabilities` [n, labels], calibrated, their sum 1.
    - `evidence` [n, size/32, size/32]: with S the log-odds of the labels that count against the others, and F
      the last feature map, sum over channels of F * dS/dF. It is the class activation map (Zhou et al.,
      CVPR 2016) of the log-odds' gradient. As the head is linear in F's mean, no backward pass is needed.
    - `distance` [n], not negative: see `training.calibration.distance`.
    - `kinds` [n, kinds], their sum 1: see `training.calibration.kinds`.
    """
    graph = tf.Graph()
    with graph.as_default():
        picture = tf.compat.v1.placeholder(tf.uint8, (None, size, size, 3), name="picture")
        builder = _Builder(weights)
        features, middle = builder.maps(picture, architecture)
        _head(features, weights, calibration)
        mean = tf.reduce_mean(middle, (1, 2))
        _distance(mean, distance)
        both = tf.concat((mean, tf.reduce_mean(features, (1, 2))), -1)
        tf.nn.softmax(tf.matmul(both, tf.constant(kinds.weights)) + tf.constant(kinds.bias), name=TENSORS.kinds)
    path.write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))


class _Builder:
    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def maps(self, picture: tf.Tensor, architecture: Architecture) -> tuple[tf.Tensor, tf.Tensor]:
        """Last feature map of uint8 pictures, and the middle block's."""
        maps = []
        x = (tf.cast(picture, tf.float32) - OFFSET) * (1 / SCALE)
        x = tf.nn.relu6(self._conv(x, "stem", 2))
        for number, block in enumerate(architecture.blocks):
            name, start = f"block{number}", x
            if block.expand != 1:
                x = tf.nn.relu6(self._conv(x, f"{name}_expand"))
            x = tf.nn.relu6(self._conv(x, f"{name}_depthwise", block.stride))
            x = self._conv(x, f"{name}_project")
            if block.residual:
                x = start + x
            maps.append(x)
        return tf.nn.relu6(self._conv(x, "features")), maps[architecture.middle]

    def _conv(self, x: tf.Tensor, name: str, stride: int = 1) -> tf.Tensor:
        kernel = self._weights[f"{name}/kernel"]
        norm = {part: self._weights[f"{name}_norm/{part}"] for part in _NORM}
        gain = norm["gamma"] / np.sqrt(norm["moving_variance"] + BN_EPSILON)
        if name.endswith("_depthwise"):
            folded = tf.constant(kernel * gain[:, None], tf.float32)
            x = tf.nn.depthwise_conv2d(x, folded, [1, stride, stride, 1], "SAME")
        else:
            x = tf.nn.conv2d(x, tf.constant(kernel * gain, tf.float32), stride, "SAME")
        return tf.nn.bias_add(x, tf.constant(norm["beta"] - norm["moving_mean"] * gain, tf.float32))


def _head(features: tf.Tensor, model: Weights, calibration: Calibration) -> None:
    head = head_name(Population.DERMATOSCOPE)
    weights = model[f"{head}/kernel"] / calibration.temperature
    bias = (model[f"{head}/bias"] + calibration.offsets) / calibration.temperature
    rows, columns = features.shape[1], features.shape[2]
    # Each cell's share in each logit; the logits are their sums and the bias.
    shares = tf.nn.conv2d(features, tf.constant(weights[None, None] / (rows * columns), tf.float32), 1, "VALID")
    logits = tf.nn.bias_add(tf.reduce_sum(shares, (1, 2)), tf.constant(bias, tf.float32))
    tf.nn.softmax(logits, name="probabilities")
    # dS/dlogits of S = logsumexp(those that count) - logsumexp(the others): a softmax within each side.
    counts = np.isin(np.arange(len(LABELS)), COUNTED)
    hidden = tf.constant(np.where(counts, 0, -1e9), tf.float32), tf.constant(np.where(counts, -1e9, 0), tf.float32)
    slope = tf.nn.softmax(logits + hidden[0]) - tf.nn.softmax(logits + hidden[1])
    tf.reduce_sum(shares * slope[:, None, None, :], -1, name="evidence")


def _distance(middle: tf.Tensor, distance: Distance) -> None:
    """`Distance.__call__` in TensorFlow."""
    away = middle - tf.constant(distance.mean)
    along = tf.matmul(away, tf.constant(distance.directions))
    squared = tf.reduce_sum(along * along * tf.constant(distance.gain), -1)
    squared += tf.reduce_sum(away * away, -1) / distance.rest
    tf.sqrt(tf.nn.relu(squared) / len(distance.mean), name="distance")
