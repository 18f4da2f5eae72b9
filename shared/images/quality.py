"""Finds quality problems of an image. They are reported beside the verdict and are no reason for a refusal."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.contract.decision import Advice

# Pixels. The thresholds were set at this size; larger images are scaled down to it.
_SIDE_PX: Final = 224

# Set on public images. Below it are 1 of the 596 dermatoscope images of the ISIC 2017 test part, 3 in 1,000 of
# HAM10000, and 2 in 100 of the phone images of PAD-UFES-20. After a Gaussian blur of 2 pixels at this size, more than
# 99 in 100 of each are below.
_MIN_SHARPNESS: Final = 0.30
# Of 255: in a bright enough image a quarter of the pixels reaches this luma. It is low on purpose: well-lit dark skin
# (Fitzpatrick VI) has 60 to 90 and is no dark image. Half of the ISIC images exceed 168; 1 in 596 is below.
_MIN_LUMA: Final = 50
# Luma from which a pixel counts as burnt out, and the share of such pixels that spoils an image. The largest share
# among the ISIC images is 0.035.
_BURNT_LUMA: Final = 250
_MAX_BURNT_SHARE: Final = 0.05


def assess_quality(image: Image.Image, width: int, height: int) -> tuple[Advice, ...]:
    """Assess a square, scaled RGB `image` whose upright original had `width` x `height` pixels."""
    advice: list[Advice] = []
    grey = image.convert("L")
    if grey.width > _SIDE_PX:  # a smaller image stays: scaled up, every image is blurred
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
    """Compare the change of luma over one pixel with the change over four.

    Unlike the variance of the Laplacian, the ratio does not depend on contrast: a pale lesion is not a blurred one.
    The idea of comparing close with wide variation comes from Crete et al., "The blur effect", SPIE 6492 (2007).
    Sensor grain is sharp even in a blurred image; averaging two by two pixels and squaring limit its weight.

    Args:
        grey: uint8 [rows, columns].

    Returns:
        0.25 for a smooth ramp, which blur makes of an edge; more for finer detail (0.71 for pure grain); 1 for an image
        of one colour, where blur cannot be measured.
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
