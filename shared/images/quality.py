"""What spoiled a picture, told beside the verdict and never a reason to refuse it."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.contract.decision import Advice

# Pixels. The thresholds were set at this side; larger pictures are shrunk to it.
_SIDE_PX: Final = 224

# Set on public pictures. Below it lie 1 of the 596 dermatoscope pictures of the ISIC 2017 test part, 3 in 1,000 of
# HAM10000, and 2 in 100 of the phone pictures of PAD-UFES-20; after a Gaussian blur of 2 pixels at this side, more
# than 99 in 100 of each.
_MIN_SHARPNESS: Final = 0.30
# Of 255, the luma that a quarter of the picture exceeds. Low on purpose: well-lit dark skin (Fitzpatrick VI)
# lies at 60 to 90 and must not be called a dark picture. Half of the ISIC pictures exceed 168; 1 in 596 is below.
_MIN_LUMA: Final = 50
# Luma from which a pixel is taken for burnt out, and the share of the picture from which that spoils it.
# Largest share among the ISIC pictures: 0.035.
_BURNT_LUMA: Final = 250
_MAX_BURNT_SHARE: Final = 0.05


def assess_quality(image: Image.Image, width: int, height: int) -> tuple[Advice, ...]:
    """Judge a square, reduced RGB `picture` whose upright original had `width` x `height` pixels."""
    advice: list[Advice] = []
    grey = image.convert("L")
    if grey.width > _SIDE_PX:  # a smaller one is left alone: enlarged, every picture is blurred
        grey = grey.resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BILINEAR)
    if sharpness(np.asarray(grey)) < _MIN_SHARPNESS:
        advice.append(Advice.BLURRED)
    counts = grey.histogram()
    pixels = grey.width * grey.height
    if sum(counts[_MIN_LUMA:]) < 0.25 * pixels:
        advice.append(Advice.DARK)
    if sum(counts[_BURNT_LUMA:]) > _MAX_BURNT_SHARE * pixels:
        advice.append(Advice.BRIGHT)
    if min(width, height) < min(image.size):
        advice.append(Advice.SMALL)
    return tuple(advice)


def sharpness(grey: npt.NDArray[np.uint8]) -> float:
    """Compare how much luma changes over one pixel with how much it changes over four.

    `grey` is uint8 [rows, columns]. Returns 0.25 for a smooth ramp, which is what blur leaves of an edge, more the
    finer the detail is (0.71 for pure grain), and 1 for a picture of one colour, where blur cannot be told.

    Unlike the variance of the Laplacian it does not depend on contrast: a pale lesion is not a blurred one. The
    idea of comparing neighbouring with wider variation is that of Crete et al., "The blur effect", SPIE 6492 (2007).
    Averaging two by two pixels and squaring keep the grain of the sensor, which is sharp in a blurred picture too,
    from counting much.
    """
    luma = grey.astype(np.float32)
    luma = luma[:-1] + luma[1:]
    luma = luma[:, :-1] + luma[:, 1:]
    near = _mean_squared_change(luma, 1)
    far = _mean_squared_change(luma, 4)
    return (near / far) ** 0.5 if far > 0 else 1.0


def _mean_squared_change(luma: npt.NDArray[np.float32], step: int) -> float:
    across = (luma[:, step:] - luma[:, :-step]).ravel()
    down = (luma[step:] - luma[:-step]).ravel()
    return float(np.vdot(across, across)) / across.size + float(np.vdot(down, down)) / down.size
