"""Makes small copies of an image for viewing."""

from math import ceil
from typing import Final

from PIL import Image

from shared.images.downscale import Box, Size, load_downscaled
from shared.images.limits import DECODE_LIMITS, DecodeLimits

#: Divisors by which the JPEG decoder itself can shrink the sides of an image.
_JPEG_DIVISORS: Final = (1, 2, 4, 8)


def make_thumbnail(data: bytes, side: int, limits: DecodeLimits = DECODE_LIMITS) -> Image.Image:
    """Return the whole image upright in sRGB, its longer side `side` pixels, never scaled up. Metadata is dropped.

    Raises:
        ImageRejected: The bytes are not an acceptable image. Nothing else is raised.
    """

    def plan(width: int, height: int) -> tuple[Box, Size]:
        scale = min(1.0, side / max(width, height))
        return (0, 0, width, height), (max(1, round(width * scale)), max(1, round(height * scale)))

    # For thumbnails Hamming is as sharp as Lanczos, for a fraction of its cost.
    return load_downscaled(data, plan, Image.Resampling.HAMMING, limits).image


def load_halved(data: bytes, side: int, limits: DecodeLimits = DECODE_LIMITS) -> Image.Image:
    """Return the whole image upright in sRGB, halved until its longer side is at most `side` pixels.

    The JPEG decoder does the halving, at a third of the cost of `make_thumbnail`, which allows any size. An image
    longer than eight times `side` is halved three times and then filtered. Metadata is dropped.

    Raises:
        ImageRejected: The bytes are not an acceptable image. Nothing else is raised.
    """

    def plan(width: int, height: int) -> tuple[Box, Size]:
        longer = max(width, height)
        divisor = next((candidate for candidate in _JPEG_DIVISORS if ceil(longer / candidate) <= side), longer / side)
        return (0, 0, width, height), (min(side, ceil(width / divisor)), min(side, ceil(height / divisor)))

    return load_downscaled(data, plan, Image.Resampling.HAMMING, limits, margin=1).image
