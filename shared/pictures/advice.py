"""What spoiled a picture, told beside the verdict and never a reason to refuse it."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.contract.decision import Advice

# Pixels. The thresholds hold for this side; about as much as the model sees.
_SIDE: Final = 224

# Thresholds were set on the 596 dermatoscope pictures of the ISIC 2017 test part: sharpness of half of them is
# above 0.42 and of one in a hundred below 0.36; after a Gaussian blur of 2 pixels at 256 it is below 0.30 for all.
_BLURRED_BELOW: Final = 0.31
# Of 255, the luma that a quarter of the picture exceeds. Low on purpose: well-lit dark skin (Fitzpatrick VI)
# lies at 60 to 90 and must not be called a dark picture. In those dermatoscope pictures: 168, and 1 in 596 below.
_DARK_BELOW: Final = 50
# Luma from which a pixel is taken for burnt out, and the share of the picture from which that spoils it.
# Largest share among those dermatoscope pictures: 0.035.
_BURNT_FROM: Final = 250
_BRIGHT_ABOVE: Final = 0.05


def advice(picture: Image.Image, width: int, height: int) -> tuple[Advice, ...]:
    """Judge a square, reduced RGB `picture` whose upright original had `width` x `height` pixels."""
    found: list[Advice] = []
    grey = picture.convert("L")
    if grey.size != (_SIDE, _SIDE):
        grey = grey.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    if sharpness(np.asarray(grey)) < _BLURRED_BELOW:
        found.append(Advice.BLURRED)
    counts = grey.histogram()
    pixels = _SIDE * _SIDE
    if sum(counts[_DARK_BELOW:]) < 0.25 * pixels:
        found.append(Advice.DARK)
    if sum(counts[_BURNT_FROM:]) > _BRIGHT_ABOVE * pixels:
        found.append(Advice.BRIGHT)
    if min(width, height) < min(picture.size):
        found.append(Advice.SMALL)
    return tuple(found)


def sharpness(grey: npt.NDArray[np.uint8]) -> float:
    """Compare how much luma changes over one pixel with how much it changes over four.

    `grey` is uint8 [rows, columns]. Returns 0.25 for a smooth ramp, which is what blur leaves of an edge, towards
    1 for fine detail, and 1 for a picture of one colour, where blur cannot be told. Unlike the variance of the
    Laplacian it does not depend on contrast: a pale lesion is not a blurred one. The idea of comparing
    neighbouring with wider variation is that of Crete et al., "The blur effect", SPIE 6492 (2007).
    """
    luma = grey.astype(np.float32)
    near = _change(luma, 1)
    far = _change(luma, 4)
    return near / far if far > 0 else 1.0


def _change(luma: npt.NDArray[np.float32], step: int) -> float:
    across = luma[:, step:] - luma[:, :-step]
    down = luma[step:] - luma[:-step]
    return float(np.abs(across, out=across).mean() + np.abs(down, out=down).mean())
