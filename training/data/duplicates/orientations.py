"""The eight orientations of an image: turned by quarters, and mirrored."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Pixel = TypeVar("Pixel", bound=np.generic)


def generate_orientations(images: npt.NDArray[Pixel]) -> Iterator[npt.NDArray[Pixel]]:
    """Yield images [n, size, size] in each of the eight orientations; the first is the original."""
    for mirrored in (images, images[:, :, ::-1]):
        for turns in range(4):
            yield np.rot90(mirrored, turns, axes=(1, 2))
