"""Compares the details of two images: a strict test for the few pairs whose hashes are near."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation, gaussian_filter, label  # type: ignore[import-untyped]

#: Lowest correlation of the details of copies. Copies scaled to 96 pixels or encoded at quality 30 reach 0.9. Of all
#: other pairs in ISIC 2017, HAM10000 and PAD-UFES-20 none exceeds 0.71.
MIN_SIMILARITY: Final = 0.8

#: Standard deviations of Gaussian filters in pixels of the thumbnail: the band of details, and the area in which their
#: contrast is normalised.
_FINE_SIGMA, _COARSE_SIGMA, _CONTRAST_SIGMA = 0.7, 2.5, 4.0
#: Highest luminance of the frame around a dermatoscope's round field, and pixels next to it that show its edge.
_FRAME_LUMINANCE: Final = 45
_FRAME_EDGE: Final = 5


def extract_details(thumbnails: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Extract the fine structure of images, because all lesions are alike in the large: dark on light skin.

    The dark frame around a dermatoscope's round field has none: the edges of two such fields would correlate more than
    0.9, whatever the fields show.

    Args:
        thumbnails: Luminances, uint8 [n, size, size].

    Returns:
        Details of normalised contrast, float32 [n, size, size], each with mean 0 and norm 1.
    """
    logarithm = np.log(thumbnails.astype(np.float32) + 8)
    detail = _blur(logarithm, _FINE_SIGMA) - _blur(logarithm, _COARSE_SIGMA)
    detail /= np.sqrt(_blur(detail**2, _CONTRAST_SIGMA)) + 0.01
    visible = np.stack([_find_visible(thumbnail) for thumbnail in thumbnails])
    counts = np.maximum(visible.sum(axis=(1, 2), keepdims=True), 1)
    detail = (detail - (detail * visible).sum(axis=(1, 2), keepdims=True) / counts) * visible
    norm = np.sqrt((detail**2).sum(axis=(1, 2), keepdims=True))
    return (detail / np.maximum(norm, 1e-6)).astype(np.float32)  # type: ignore[no-any-return]


def compute_similarity(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Compute the correlations, float32 [n] in [-1, 1], of details [n, size, size] with others pair by pair."""
    return np.einsum("nyx,nyx->n", first, second)  # type: ignore[no-any-return]


def _find_visible(thumbnail: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Find what is not a dark frame, which begins in a corner, nor its edge: bool [size, size]."""
    dark = thumbnail < _FRAME_LUMINANCE
    corners = [dark[row, column] for row in (0, -1) for column in (0, -1)]
    if not any(corners):
        return np.ones_like(dark)
    components, _ = label(dark)
    framed = {int(components[row, column]) for row in (0, -1) for column in (0, -1)} - {0}
    frame = binary_dilation(np.isin(components, list(framed)), iterations=_FRAME_EDGE)
    return np.asarray(~frame)


def _blur(images: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    return gaussian_filter(images, (0, sigma, sigma))  # type: ignore[no-any-return]
