"""An artefact's graph back to the weights of a model that can be measured anew, or trained on."""

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
#: Logit of a label that the artefact does not know, below the mean of those that it knows: about one picture in
#: a hundred to begin with.
_UNKNOWN_LABEL_LOGIT: Final = -3.0


def import_frozen_graph(directory: Path, architecture: Architecture, manifest: Manifest | None = None) -> keras.Model:
    """The model in the artefact of `directory`, with frozen norms, which gives the same logits.

    Its normalisation layers are identities with a bias, as the export folded the rest into the kernels. What
    calibration added to the logits stays in the heads' biases. Labels are matched by name; one that the artefact
    does not know gets a low logit. Raises `TrainingError` where there is no artefact, or where its graph is not one
    of `architecture`.
    """
    # Here, not above: models are also trained where there is no TensorFlow.
    import tensorflow as tf

    try:
        manifest = manifest or read_artefact(directory)
    except ArtefactError as error:
        raise TrainingError(str(error)) from error
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString((directory / manifest.graph).read_bytes())
    constants = {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"}
    # A kernel that is stored in half precision is cast first.
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
    """Each population's head, of a kernel [1, 1, features, populations * labels] and biases [populations, labels]."""
    known = [label.name for label in manifest.labels]
    columns = [known.index(name) if name in known else None for name in LABEL_NAMES]
    # The graph's kernel gives each cell's share of a logit, over the temperature.
    cells = (manifest.picture.size // 32) ** 2
    temperatures = {population.name: population.temperature for population in manifest.populations}
    weights: Weights = {}
    parts = np.split(kernel[0, 0], len(POPULATIONS), axis=1)
    for population, part, bias in zip(POPULATIONS, parts, biases, strict=True):
        head, temperature = head_name(population), temperatures[population]
        wide = [part.mean(axis=1) if at is None else part[:, at] for at in columns]
        long = [bias.mean() + _UNKNOWN_LABEL_LOGIT if at is None else bias[at] for at in columns]
        weights[f"{head}/kernel"] = np.stack(wide, axis=1).astype(np.float32) * np.float32(cells * temperature)
        weights[f"{head}/bias"] = np.array(long, np.float32) * np.float32(temperature)
    return weights
