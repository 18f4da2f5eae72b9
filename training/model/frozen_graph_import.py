"""Imports the frozen graph of an artefact into a model that can be trained further."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from shared.model.artefact import ArtefactError, Manifest, read_artefact
from training.data.records.labels import LABEL_NAMES
from training.errors import TrainingError
from training.model.architecture import BN_EPSILON, Architecture
from training.model.classifier import POPULATIONS, build_classifier, head_name
from training.model.weights import Weights, set_weights

#: Name in the graph of the heads' biases [populations, labels].
HEAD_BIASES: Final = "head_biases"

_KERNELS: Final = {"Conv2D", "DepthwiseConv2dNative"}
#: Logit of a label that the artefact does not know, relative to the mean of the known ones. Such a label starts at a
#: probability of about one in a hundred.
_UNKNOWN_LABEL_LOGIT: Final = -3.0


def import_frozen_graph(directory: Path, architecture: Architecture, manifest: Manifest | None = None) -> keras.Model:
    """Build the model of an artefact, with frozen batch normalisation. It computes the same logits.

    The normalisation layers only add a bias, because the export folded the rest into the kernels. The offsets that
    calibration added to the logits stay in the biases of the heads. Labels are matched by name; a label that the
    artefact does not know gets a low logit.

    `architecture` is that of the artefact's backbone. If the `manifest` has been read already, it is not read again.

    Raises:
        TrainingError: If there is no artefact, or if its graph does not have this architecture.
    """
    # Imported here because models can also be trained without TensorFlow.
    import tensorflow as tf

    try:
        manifest = manifest or read_artefact(directory)
    except ArtefactError as error:
        raise TrainingError(str(error)) from error
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString((directory / manifest.graph).read_bytes())
    constants = {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"}
    # A kernel that is stored in half precision goes through a cast.
    constants |= {node.name: constants[node.input[0]] for node in graph.node if _is_cast(node, constants)}
    kernels = [constants[node.input[1]] for node in graph.node if node.op in _KERNELS]
    biases = [constants[node.input[1]] for node in graph.node if node.op == "BiasAdd"]
    try:
        *layers, heads = kernels
        weights = _convert_heads(heads, constants[HEAD_BIASES], manifest)
        for name, kernel, bias in zip(architecture.layer_names(), layers, biases, strict=True):
            weights |= _convert_layer(name, kernel, bias)
        model = build_classifier(architecture, len(LABEL_NAMES), frozen_norm=True)
        set_weights(model, weights)
    except (KeyError, ValueError) as error:
        raise TrainingError(f"{directory} does not hold a model of this architecture: {error}.") from error
    return model


def _is_cast(node: Any, constants: Mapping[str, np.ndarray]) -> bool:
    return node.op == "Cast" and node.input[0] in constants


def _convert_layer(name: str, kernel: np.ndarray, bias: np.ndarray) -> Weights:
    ones = np.ones_like(bias)
    return {
        f"{name}/kernel": kernel,
        f"{name}_norm/gamma": ones,
        f"{name}_norm/beta": bias,
        f"{name}_norm/moving_mean": 0 * ones,
        f"{name}_norm/moving_variance": (1 - BN_EPSILON) * ones,
    }


def _convert_heads(kernel: np.ndarray, biases: np.ndarray, manifest: Manifest) -> Weights:
    """Split a kernel [1, 1, features, populations * labels] and biases [populations, labels] into the heads."""
    known = [label.name for label in manifest.labels]
    columns = [known.index(name) if name in known else None for name in LABEL_NAMES]
    # The kernel of the graph gives the part of each cell in a logit, divided by the temperature.
    cells = (manifest.picture.size // 32) ** 2
    temperatures = {population.name: population.temperature for population in manifest.populations}
    weights: Weights = {}
    parts = np.split(kernel[0, 0], len(POPULATIONS), axis=1)
    for population, part, bias in zip(POPULATIONS, parts, biases, strict=True):
        head, temperature = head_name(population), temperatures[population]
        kernels = [part.mean(axis=1) if column is None else part[:, column] for column in columns]
        offsets = [bias.mean() + _UNKNOWN_LABEL_LOGIT if column is None else bias[column] for column in columns]
        weights[f"{head}/kernel"] = np.stack(kernels, axis=1).astype(np.float32) * np.float32(cells * temperature)
        weights[f"{head}/bias"] = np.array(offsets, np.float32) * np.float32(temperature)
    return weights
