"""An artefact's graph back to the weights of a model that can be measured anew."""

from pathlib import Path
from typing import Final

import keras
import numpy as np
import tensorflow as tf

from shared.artefact import Manifest
from training.errors import TrainingError
from training.model.backbone import BN_EPSILON, Architecture, Weights, build, layer_names, set_weights

_KERNELS: Final = {"Conv2D", "DepthwiseConv2dNative"}


def thaw(directory: Path, manifest: Manifest, architecture: Architecture) -> keras.Model:
    """The model in the artefact `manifest` of `directory`, which gives the same logits.

    Its normalisation layers are identities with a bias, as the export folded the rest into the kernels: good for
    measuring, calibrating and exporting, not for training on. What calibration added to the logits stays in the
    head's bias. Raises `TrainingError` where the graph is not one of `architecture`.
    """
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString((directory / manifest.graph).read_bytes())
    constants = {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"}
    kernels = [constants[node.input[1]] for node in graph.node if node.op in _KERNELS]
    biases = [constants[node.input[1]] for node in graph.node if node.op == "BiasAdd"]
    names = layer_names(architecture)
    try:
        weights: Weights = {}
        for name, kernel, bias in zip([*names, "head"], kernels, biases, strict=True):
            weights |= _head(kernel, bias, manifest) if name == "head" else _layer(name, kernel, bias)
        model = build(architecture, len(manifest.labels))
        set_weights(model, weights)
    except (KeyError, ValueError) as error:
        raise TrainingError(f"{directory} does not hold a model of this architecture: {error}.") from error
    return model


def _layer(name: str, kernel: np.ndarray, bias: np.ndarray) -> Weights:
    ones = np.ones_like(bias)
    return {
        f"{name}/kernel": kernel,
        f"{name}_norm/gamma": ones,
        f"{name}_norm/beta": bias,
        f"{name}_norm/moving_mean": 0 * ones,
        f"{name}_norm/moving_variance": (1 - BN_EPSILON) * ones,
    }


def _head(kernel: np.ndarray, bias: np.ndarray, manifest: Manifest) -> Weights:
    # The graph's kernel gives each cell's share of a logit, over the temperature.
    cells = (manifest.picture.size // 32) ** 2
    return {"head/kernel": kernel[0, 0] * cells * manifest.temperature, "head/bias": bias * manifest.temperature}
