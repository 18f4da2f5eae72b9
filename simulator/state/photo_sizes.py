"""What Telegram makes of a photograph: JPEG copies in several sizes, without metadata."""

from io import BytesIO
from typing import Final, NamedTuple

from PIL import Image, ImageOps

from simulator.errors import bad_request

#: Longest side in pixels of each size, as Telegram names them.
_SIZES: Final = (("s", 90), ("m", 320), ("x", 800), ("y", 1280))

_MAX_BYTES: Final = 10 * 2**20
_MAX_WIDTH_PLUS_HEIGHT: Final = 10_000
_MAX_ASPECT_RATIO: Final = 20
_JPEG_QUALITY: Final = 87


class PhotoSize(NamedTuple):
    """One size of a photograph: letter of the size, JPEG, pixels."""

    name: str
    data: bytes
    width: int
    height: int


def check_photo(data: bytes) -> tuple[int, int]:
    """Width and height in pixels of what a bot uploads as a photograph. Raises `ApiError` for what is refused."""
    if len(data) > _MAX_BYTES:
        raise bad_request(f"too big file for a photo; {len(data)} bytes, there may be {_MAX_BYTES}")
    with _open_image(data) as image:
        width, height = image.size
    if width + height > _MAX_WIDTH_PLUS_HEIGHT or max(width, height) > _MAX_ASPECT_RATIO * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width, height


def keep_original(data: bytes) -> PhotoSize | None:
    """A JPEG that needs no smaller copy, or None.

    What a bot draws usually fits the largest size, and a load run has a drawing for each answer.
    """
    with _open_image(data) as image:
        name, side = _SIZES[-1]
        if image.format == "JPEG" and max(image.size) <= side:
            return PhotoSize(name, data, *image.size)
    return None


def make_sizes(data: bytes) -> list[PhotoSize]:
    """The sizes, smallest first, upright. Raises `ApiError` for what is no picture."""
    copies: list[PhotoSize] = []
    with _open_image(data) as opened:
        longest = max(opened.size)
        # A JPEG is decoded at a fraction of its size where that suffices, which is much quicker.
        opened.draft("RGB", (_SIZES[-1][1], _SIZES[-1][1]))
        try:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        except OSError:
            raise bad_request("IMAGE_PROCESS_FAILED") from None
    for name, side in _SIZES:
        copy = image.copy()
        copy.thumbnail((side, side))
        into = BytesIO()
        copy.save(into, "JPEG", quality=_JPEG_QUALITY)
        copies.append(PhotoSize(name, into.getvalue(), *copy.size))
        if longest <= side:
            break
    return copies


def _open_image(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data))
    except OSError:
        raise bad_request("IMAGE_PROCESS_FAILED") from None
