"""A small copy of a photograph for people to look at, in reports."""

from PIL import Image

from shared.pictures.limits import LIMITS, Limits
from shared.pictures.reduce import Box, Size, reduced


def thumbnail(data: bytes, side: int, limits: Limits = LIMITS) -> Image.Image:
    """Return the whole picture upright in RGB (sRGB), its longer side `side` pixels, never enlarged.

    Metadata is not kept. Raises `PictureRefused` and nothing else, whatever the bytes are.
    """

    def plan(width: int, height: int) -> tuple[Box, Size]:
        scale = min(1.0, side / max(width, height))
        return (0, 0, width, height), (max(1, round(width * scale)), max(1, round(height * scale)))

    # As sharp as Lanczos at this, for a fraction of its cost.
    return reduced(data, plan, Image.Resampling.HAMMING, limits).picture
