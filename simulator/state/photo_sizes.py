"""Scales a photo as Telegram does: JPEG copies in several sizes, without metadata."""

from io import BytesIO
from typing import Final, NamedTuple

from PIL import Image, ImageOps

from simulator.errors import bad_request

#: Telegram's letter for each size, and its longest side in pixels.
_SIZES: Final = (("s", 90), ("m", 320), ("x", 800), ("y", 1280))

_MAX_BYTES: Final = 10 * 2**20
_MAX_WIDTH_PLUS_HEIGHT: Final = 10_000
_MAX_ASPECT_RATIO: Final = 20
_JPEG_QUALITY: Final = 87


class PhotoSize(NamedTuple):
    """One size of a photo: Telegram's letter, the JPEG, and its dimensions in pixels."""

    name: str
    data: bytes
    width: int
    height: int


def check_photo(data: bytes) -> None:
    """Check a photo that a bot uploads. Raises `ApiError` if Telegram would refuse it."""
    if len(data) > _MAX_BYTES:
        raise bad_request(f"too big file for a photo; {len(data)} bytes, there may be {_MAX_BYTES}")
    with _open_image(data) as image:
        width, height = image.size
    if width + height > _MAX_WIDTH_PLUS_HEIGHT or max(width, height) > _MAX_ASPECT_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")


def keep_original(data: bytes) -> PhotoSize | None:
    """The upload itself as the only size, if it is a JPEG that fits the largest size; otherwise None.

    A bot's evidence images usually fit, and a load run has one for each answer: scaling them would cost too much.
    """
    with _open_image(data) as image:
        name, side_px = _SIZES[-1]
        if image.format == "JPEG" and max(image.size) <= side_px:
            return PhotoSize(name, data, *image.size)
    return None


def make_sizes(data: bytes) -> list[PhotoSize]:
    """Scale a photo to all sizes, smallest first, upright. Raises `ApiError` if `data` is no image."""
    sizes: list[PhotoSize] = []
    with _open_image(data) as original:
        longest_px = max(original.size)
        # Decoding a JPEG at a fraction of its size, where that suffices, is much faster.
        original.draft("RGB", (_SIZES[-1][1], _SIZES[-1][1]))
        try:
            image = ImageOps.exif_transpose(original).convert("RGB")
        except OSError:
            raise bad_request("IMAGE_PROCESS_FAILED") from None
    for name, side_px in _SIZES:
        scaled = image.copy()
        scaled.thumbnail((side_px, side_px))
        buffer = BytesIO()
        scaled.save(buffer, "JPEG", quality=_JPEG_QUALITY)
        sizes.append(PhotoSize(name, buffer.getvalue(), *scaled.size))
        if longest_px <= side_px:
            break
    return sizes


def _open_image(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data))
    except OSError:
        raise bad_request("IMAGE_PROCESS_FAILED") from None
