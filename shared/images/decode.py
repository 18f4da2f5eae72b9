"""Decodes the bytes of an image into the model's input, the same for training, evaluation and serving."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.contract.decision import Advice
from shared.images.downscale import Box, Reserve, Size, load_downscaled, reserve_nothing
from shared.images.limits import DECODE_LIMITS, DecodeLimits
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec
from shared.images.quality import assess_quality

_RESAMPLING: Final[dict[Filter, Image.Resampling]] = {
    Filter.BOX: Image.Resampling.BOX,
    Filter.BILINEAR: Image.Resampling.BILINEAR,
    Filter.BICUBIC: Image.Resampling.BICUBIC,
    Filter.LANCZOS: Image.Resampling.LANCZOS,
}


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """An image ready for the model."""

    #: uint8 [size, size, 3], RGB (sRGB), contiguous, read-only.
    pixels: npt.NDArray[np.uint8]
    #: Pixels of the upright original.
    width: int
    height: int
    advice: tuple[Advice, ...]


def decode(
    data: bytes,
    preprocessing: PreprocessingSpec,
    limits: DecodeLimits = DECODE_LIMITS,
    *,
    reserve: Reserve = reserve_nothing,
) -> DecodedImage:
    """Decode an image, turn it upright, scale it and convert it to sRGB. Metadata is dropped.

    Reads JPEG, PNG, WebP, HEIC, AVIF, BMP and TIFF. If a file has a primary image (the MPO and HEIC of phones), only
    that one is read. Safe to call from several threads at once; Pillow releases the interpreter lock while it
    decodes and scales.

    Args:
        data: The bytes of the file.
        preprocessing: Size, filter and aspect of the result.
        limits: Limits of size and cost.
        reserve: Called with the bytes that decoding takes at most, before the pixels are decoded. What it raises is
            passed on.

    Returns:
        Pixels uint8 [size, size, 3], the original size, and advice on quality.

    Raises:
        ImageRejected: The bytes are not an acceptable image. Nothing else is raised, whatever the bytes are.
    """

    def plan(width: int, height: int) -> tuple[Box, Size]:
        return _crop_box(width, height, preprocessing.aspect), (preprocessing.size, preprocessing.size)

    downscaled = load_downscaled(data, plan, _RESAMPLING[preprocessing.filter], limits, reserve=reserve)
    return DecodedImage(
        pixels=np.asarray(downscaled.image),
        width=downscaled.width,
        height=downscaled.height,
        advice=assess_quality(downscaled.image, downscaled.width, downscaled.height),
    )


def _crop_box(width: int, height: int, aspect: Aspect) -> Box:
    if aspect is Aspect.SQUASH:
        return 0, 0, width, height
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side
