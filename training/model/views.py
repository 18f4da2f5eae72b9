"""Several views of an image: it and its flips. The mean over all of a group of flips turns with the image."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import keras
import numpy as np

#: Any array.
Array = Any

#: Whether an image is flipped by rows and by columns, the unchanged image first. Each flip undoes itself; the first
#: two, and all four, form a group.
FLIPS: Final = ((False, False), (False, True), (True, False), (True, True))
#: Numbers of `FLIPS` that form a group.
Views = Literal[1, 2, 4]
VIEWS: Final[Mapping[int, Views]] = {1: 1, 2: 2, 4: 4}


def flip(images: Array, flipped: tuple[bool, bool]) -> Array:
    """Flip images or maps [n, rows, columns, ...] by rows, columns or both."""
    rows, columns = (slice(None, None, -1) if is_flipped else slice(None) for is_flipped in flipped)
    return images[:, rows, columns]


class ViewAverager:
    """Predicts as the mean over the views of each image: a classifier whose feature maps are averaged.

    Heads are linear in the mean of the map, so the logits are averaged, too.
    """

    def __init__(self, model: keras.Model, views: Views) -> None:
        self._model, self._flips = model, FLIPS[:views]

    def predict_on_batch(self, images: Array) -> tuple[Array, Array, Array]:
        """Predict images [n, size, size, 3] as the model does: logits, last feature map, mean of the middle map."""
        outputs = [self._model.predict_on_batch(np.ascontiguousarray(flip(images, flipped))) for flipped in self._flips]
        logits, features, middle = zip(*outputs, strict=True)
        upright = [flip(maps, flipped) for maps, flipped in zip(features, self._flips, strict=True)]
        return np.mean(logits, axis=0), np.mean(upright, axis=0), np.mean(middle, axis=0)
