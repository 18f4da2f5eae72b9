"""Distillation: mixes the predictions of a teacher into the targets."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from training.data.image_cache import Pixels
from training.data.records.labelled_image import Population
from training.fitting.validation import softmax
from training.model.classifier import POPULATIONS

Floats = npt.NDArray[np.float32]
#: Any backend's tensor, and trees of them.
Tensor = Any


class Teacher:
    """Mixes the mean probabilities of one or several models into the targets of images of some populations.

    This is the distillation of Hinton et al., arXiv 1503.02531, at temperature 1: adding the cross-entropy against the
    teacher equals the cross-entropy against mixed targets. The teacher sees the augmented images that the student sees
    (Beyer et al., CVPR 2022). If training starts from the teacher's weights, this is learning without forgetting (Li
    and Hoiem, ECCV 2016).

    Args:
        models: The teachers.
        share: Share of the teacher in the targets, in [0, 1].
        populations: Populations that the teachers were trained on. Targets of other populations do not change.
    """

    def __init__(self, models: Sequence[keras.Model], share: float, populations: Sequence[Population]) -> None:
        self._models = [keras.Model(model.input, model.outputs[0]) for model in models]
        for logits_model, model in zip(self._models, models, strict=True):
            logits_model.jit_compile = model.jit_compile
        is_known = [float(population in populations) for population in POPULATIONS]
        self._share = share * np.array(is_known, np.float32)[None, :, None]

    def mix_targets(self, targets: Floats, images: Floats | Pixels) -> Floats:
        """Mix the teacher's predictions for images [n, size, size, 3] into targets [n, populations, labels]."""
        each = [softmax(np.asarray(model.predict_on_batch(images))) for model in self._models]
        mixed: Floats = self._mix(targets, np.mean(each, axis=0, dtype=np.float32))
        return mixed

    def values(self) -> Tensor:
        """Values of the models' variables, which `mix_targets_of` takes."""
        return [
            [
                [variable.value for variable in part]
                for part in (model.trainable_variables, model.non_trainable_variables)
            ]
            for model in self._models
        ]

    def mix_targets_of(self, values: Tensor, targets: Tensor, images: Tensor) -> Tensor:
        """Mix as `mix_targets` does, within a function that JAX compiles; `values` are those of `values()`."""
        each = [
            keras.ops.softmax(model.stateless_call(*parts, images, training=False)[0], axis=-1)
            for model, parts in zip(self._models, values, strict=True)
        ]
        return self._mix(targets, sum(each) / len(each))

    def _mix(self, targets: Tensor, predictions: Tensor) -> Tensor:
        # The weight of a row is the sum of its targets: 0 for the heads of other populations.
        return targets * (1 - self._share) + self._share * predictions * targets.sum(axis=-1, keepdims=True)
