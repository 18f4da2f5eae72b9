"""A small copy of a photograph for people to look at."""

from math import ceil
from typing import Final

from PIL import Image

from shared.images.downscale import Box, Size, load_downscaled
from shared.images.limits import DECODE_LIMITS, DecodeLimits

#: To how small a share of its sides the JPEG decoder itself can shrink a picture.
_JPEG_DIVISORS: Final = (1, 2, 4, 8)


def make_thumbnail(data: bytes, side: int, limits: DecodeLimits = DECODE_LIMITS) -> Image.Image:
    """Return the whole picture upright in RGB (sRGB), its longer side `side` pixels, never enlarged.

    Metadata is not kept. Raises `ImageRejected` and nothing else, whatever the bytes are.
    """

    def plan(width: int, height: int) -> tuple[Box, Size]:
        scale = min(1.0, side / max(width, height))
        return (0, 0, width, height), (max(1, round(width * scale)), max(1, round(height * scale)))

    # As sharp as Lanczos at this, for a fraction of its cost.
    return load_downscaled(data, plan, Image.Resampling.HAMMING, limits).image


def load_halved(data: bytes, side: int, limits: DecodeLimits = DECODE_LIMITS) -> Image.Image:
    """Return the whole picture upright in RGB (sRGB), halved until its longer side is `side` pixels or less.

    A JPEG's decoder does the halving: a third of the cost of a `thumbnail`, which can have any size. What is longer
    than eight times `side` is halved three times and then filtered. Metadata is not kept. Raises `ImageRejected` and
    nothing else, whatever the bytes are.
    """

    def plan(width: int, height: int) -> tuple[Box, Size]:
        longer = max(width, height)
        divisor = next((one for one in _JPEG_DIVISORS if ceil(longer / one) <= side), longer / side)
        return (0, 0, width, height), (min(side, ceil(width / divisor)), min(side, ceil(height / divisor)))

    return load_downscaled(data, plan, Image.Resampling.HAMMING, limits, margin=1).image
