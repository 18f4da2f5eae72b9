"""How alike two pictures are in their details: strict, for the few pairs whose hashes are near."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter  # type: ignore[import-untyped]

#: Least correlation of the details of copies. Copies scaled to 96 pixels or encoded at quality 30 reach 0.9; of all
#: pairs of lesions in ISIC 2017, HAM10000 and PAD-UFES-20 no other came above 0.71, two rings of one dermatoscope.
MIN_SIMILARITY: Final = 0.8

#: Widths, in pixels of the small picture, of what counts as detail, and of the surroundings that it is measured by.
_FINE, _COARSE, _AROUND = 0.7, 2.5, 4.0


def extract_details(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Fine structure of luminances [n, size, size], evened out in contrast, with mean 0 and norm 1: the same shape.

    Lesions are alike in the large: dark in the middle, light around. What tells them apart is finer.
    """
    logarithm = np.log(thumbnails.astype(np.float32) + 8)
    detail = _blur(logarithm, _FINE) - _blur(logarithm, _COARSE)
    detail /= np.sqrt(_blur(detail**2, _AROUND)) + 0.01
    detail -= detail.mean(axis=(1, 2), keepdims=True)
    norm = np.sqrt((detail**2).sum(axis=(1, 2), keepdims=True))
    return (detail / np.maximum(norm, 1e-6)).astype(np.float32)  # type: ignore[no-any-return]


def compute_similarity(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Normalised correlation in [-1, 1] of details [n, size, size] with others, one by one: [n]."""
    return np.einsum("nyx,nyx->n", first, second)  # type: ignore[no-any-return]


def _blur(images: npt.NDArray[np.float32], width: float) -> npt.NDArray[np.float32]:
    return gaussian_filter(images, (0, width, width))  # type: ignore[no-any-return]
