"""What the model is to say of each picture, and how far off it is."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import numpy.typing as npt

from training.data.records.labelled_image import LabelledImage
from training.fitting.inputs.selection import is_trained_on
from training.fitting.recipe import Recipe
from training.model.classifier import POPULATIONS

Floats = npt.NDArray[np.float32]


def make_targets(images: Sequence[LabelledImage], recipe: Recipe) -> Floats:
    """Targets float32 [n, populations, outputs]: 1 at the output in the row of the picture's population, else 0.

    The recipe's `smoothing` of that 1 is spread over all outputs of the row (Szegedy et al., CVPR 2016). With
    `class_weights`, a row is multiplied by what makes the pictures of all outputs weigh the same, 1 on average.
    Rows of other populations are 0, so that their heads learn nothing from the picture.
    """
    outputs = recipe.task.output_count
    classes = np.array([recipe.task.output_index(image.label) for image in images])
    rows = np.full((len(images), outputs), recipe.smoothing / outputs, np.float32)
    rows[np.arange(len(images)), classes] += 1 - recipe.smoothing
    if recipe.class_weights:
        seen = np.array([is_trained_on(image, recipe) for image in images])
        counts = np.bincount(classes[seen], minlength=outputs)
        weights = seen.sum() / np.maximum(counts, 1) / (counts > 0).sum()
        rows *= weights[classes, None].astype(np.float32)
    targets = np.zeros((len(images), len(POPULATIONS), outputs), np.float32)
    heads = [POPULATIONS.index(image.population) for image in images]
    targets[np.arange(len(images)), heads] = rows
    return targets


def make_loss(focal: float) -> Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]:
    """The loss [n] of targets and logits, both [n, populations, outputs].

    Cross-entropy, each output's share of it times (1 - p) to the power of `focal` (Lin et al., ICCV 2017): 0 leaves
    it as it is, more makes what is already right matter less.
    """

    def loss(targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        logs = keras.ops.log_softmax(logits, axis=-1)
        shares = targets * logs
        if focal:
            shares *= (1 - keras.ops.exp(logs)) ** focal
        return -keras.ops.sum(shares, axis=(1, 2))

    return loss
