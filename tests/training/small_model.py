"""A backbone of three blocks with made weights: fast, and with all that the large one has."""

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
    """Weights, batch-norm statistics included, of ordinary size."""
    model = build_classifier(SMALL, len(LABELS))
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" in variable.path:
            continue
        if variable.path.endswith(("gamma", "moving_variance")):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        else:
            # A depthwise kernel is [k, k, channels, 1]: each output sees one channel.
            fan_in = np.prod(variable.shape[:2] if "depthwise/" in variable.path else variable.shape[:-1] or 4)
            variable.assign(rng.normal(0, 1.5 / fan_in**0.5, variable.shape))
    return model
