"""The eight ways to lay down a picture: turned by quarters, and mirrored."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


def orientations(pictures: npt.NDArray[np.generic]) -> Iterator[npt.NDArray[np.generic]]:
    """Pictures [n, size, size] in each of the eight orientations, the first as they are."""
    for mirrored in (pictures, pictures[:, :, ::-1]):
        for turns in range(4):
            yield np.rot90(mirrored, turns, axes=(1, 2))
