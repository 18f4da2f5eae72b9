"""Training targets and the loss."""

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
    """Make the targets of images.

    A target is 1 at the output of the image's label, in the row of its population. Label smoothing spreads the recipe's
    `smoothing` of that 1 over all outputs of the row (Szegedy et al., CVPR 2016). With `class_weights`, rows are
    weighted so that the training images of each output have the same total weight; the mean weight is 1. Rows of other
    populations are 0, so that their heads learn nothing from the image.

    Returns:
        Targets float32 [n, populations, outputs].
    """
    outputs = recipe.task.output_count
    classes = np.array([recipe.task.output_index(image.label) for image in images])
    rows = np.full((len(images), outputs), recipe.smoothing / outputs, np.float32)
    rows[np.arange(len(images)), classes] += 1 - recipe.smoothing
    if recipe.class_weights:
        is_trained = np.array([is_trained_on(image, recipe) for image in images])
        counts = np.bincount(classes[is_trained], minlength=outputs)
        weights = is_trained.sum() / np.maximum(counts, 1) / (counts > 0).sum()
        rows *= weights[classes, None].astype(np.float32)
    targets = np.zeros((len(images), len(POPULATIONS), outputs), np.float32)
    heads = [POPULATIONS.index(image.population) for image in images]
    targets[np.arange(len(images)), heads] = rows
    return targets


def make_loss(focal: float) -> Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]:
    """Make the loss function, from targets and logits [n, populations, outputs] to losses [n].

    It is the focal loss (Lin et al., ICCV 2017): the cross-entropy with the term of each output multiplied by (1 - p)
    to the power of `focal`. 0 gives the cross-entropy; a larger exponent reduces the weight of confident predictions.
    """

    def loss(targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        log_probabilities = keras.ops.log_softmax(logits, axis=-1)
        terms = targets * log_probabilities
        if focal:
            terms *= (1 - keras.ops.exp(log_probabilities)) ** focal
        return -keras.ops.sum(terms, axis=(1, 2))

    return loss
