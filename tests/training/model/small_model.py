"""A backbone of four blocks with random weights: fast, and with all kinds of layers of the large one."""

import keras
import numpy as np

from training.data.records.labels import LABELS
from training.model.architecture import Architecture, Block
from training.model.classifier import build_classifier

SMALL = Architecture(
    stem=8,
    blocks=(Block(1, 3, 2, 8, 8), Block(4, 5, 2, 8, 12), Block(4, 3, 1, 12, 12), Block(2, 3, 2, 12, 16)),
    features=24,
    middle=2,
)


def make_small_model(seed: int = 3) -> keras.Model:
    """Make the model with weights and batch norm statistics of ordinary size."""
    model = build_classifier(SMALL, len(LABELS))
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" in variable.path:
            continue
        if variable.path.endswith(("gamma", "moving_variance")):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        else:
            # A depthwise kernel is [k, k, channels, 1]: each output has one input channel.
            fan_in = np.prod(variable.shape[:2] if "depthwise/" in variable.path else variable.shape[:-1] or 4)
            variable.assign(rng.normal(0, 1.5 / fan_in**0.5, variable.shape))
    return model


def make_imagenet_archive(architecture: Architecture, seed: int) -> dict[str, np.ndarray]:
    """Make an archive of random ImageNet weights with PyTorch's names and axes."""
    rng = np.random.default_rng(seed)
    arrays = {}

    def add(kernel: str, norm: str, shape: tuple[int, ...]) -> None:
        arrays[f"{kernel}.weight"] = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float16)
        for part, low in (("weight", 0.9), ("bias", -0.1), ("running_mean", -0.1), ("running_var", 0.9)):
            arrays[f"{norm}.{part}"] = rng.uniform(low, low + 0.2, shape[0]).astype(np.float32)

    add("_conv_stem", "_bn0", (architecture.stem, 3, 3, 3))
    for index, block in enumerate(architecture.blocks):
        name, inner = f"_blocks.{index}.", block.channels_in * block.expand
        if block.expand != 1:
            add(f"{name}_expand_conv", f"{name}_bn0", (inner, block.channels_in, 1, 1))
        add(f"{name}_depthwise_conv", f"{name}_bn1", (inner, 1, block.kernel, block.kernel))
        add(f"{name}_project_conv", f"{name}_bn2", (block.channels_out, inner, 1, 1))
    add("_conv_head", "_bn1", (architecture.features, architecture.blocks[-1].channels_out, 1, 1))
    return arrays
