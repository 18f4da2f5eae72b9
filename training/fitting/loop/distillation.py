"""Distillation: a teacher's word beside the labels."""

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt

from training.data.records.labelled_image import Population
from training.fitting.validation import softmax
from training.model.classifier import POPULATIONS

Floats = npt.NDArray[np.float32]


class Teacher:
    """Mixes a model's probabilities into the targets of pictures of some populations.

    Hinton et al., arXiv 1503.02531, at temperature 1: a share of the cross-entropy against the teacher is the
    cross-entropy against a mixture. The teacher sees the pictures as the pupil does, changed in the same way
    (Beyer et al., CVPR 2022). Where the teacher is the model that training starts from, this is learning without
    forgetting (Li and Hoiem, ECCV 2016).
    """

    def __init__(self, model: keras.Model, share: float, populations: Sequence[Population]) -> None:
        self._model = keras.Model(model.input, model.outputs[0])
        self._model.jit_compile = model.jit_compile
        knows = [float(population in populations) for population in POPULATIONS]
        self._share = share * np.array(knows, np.float32)[None, :, None]

    def mix_targets(self, targets: Floats, images: Floats) -> Floats:
        """Targets [n, populations, labels] with the teacher's share in them, for pictures [n, size, size, 3]."""
        said = softmax(np.asarray(self._model.predict_on_batch(images)))
        # A row's weight is that of its label: 0 for the heads of other populations.
        mixed: Floats = targets * (1 - self._share) + self._share * said * targets.sum(axis=-1, keepdims=True)
        return mixed
