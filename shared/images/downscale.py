"""Turns bytes into a small upright RGB image: open, check, decode what is needed, scale, turn, convert colours."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from typing import Final

from PIL import ExifTags, Image, ImageFile, JpegImagePlugin, TiffImagePlugin
from pillow_heif import HeifImageFile

from shared.contract.decision import RefusalReason
from shared.images.colour import to_averageable_mode, to_rgb
from shared.images.decode_cost import check_layout, count_scans, estimate_memory
from shared.images.formats import select_opener
from shared.images.limits import DecodeLimits
from shared.images.refusal import ImageRejected, check_bytes

Size = tuple[int, int]
Box = tuple[float, float, float, float]
#: From (width, height) as stored to the box to keep and the size of the result.
Plan = Callable[[int, int], tuple[Box, Size]]
#: Called with the bytes that decoding will take at most, before it begins. May wait until there is as much memory.
Reserve = Callable[[int], None]

# A JPEG is decoded at 1/2, 1/4 or 1/8 as long as that leaves at least this many times the requested size. At 1.5, as at
# 2, the pixels differ from those of the full decode by less than 1 of 255 on average. But at 1.5 a file of 1024 x 768,
# about what Telegram makes of a photograph, is decoded at a half instead of in full.
_DRAFT_MARGIN: Final = 1.5
# Other formats are averaged in whole blocks down to this many times the requested size, then filtered.
_REDUCING_GAP: Final = 3.0

# TIFF tag: bit 0 marks a smaller version of another image in the file.
_NEW_SUBFILE_TYPE: Final = 254

# Values of the EXIF tag 0x0112 (Orientation) and the transposition that makes such an image upright.
_TRANSPOSE_BY_ORIENTATION: Final[dict[object, Image.Transpose]] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATIONS_ON_SIDE: Final = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True)
class DownscaledImage:
    """A small upright RGB image, and `width` and `height` of the upright original in pixels."""

    image: Image.Image
    width: int
    height: int


def reserve_nothing(_memory: int) -> None:
    """Let each decode take what it needs."""


def load_downscaled(
    data: bytes,
    plan: Plan,
    resample: Image.Resampling,
    limits: DecodeLimits,
    *,
    margin: float = _DRAFT_MARGIN,
    reserve: Reserve = reserve_nothing,
) -> DownscaledImage:
    """Decode `data` into the image that `plan` asks for.

    Args:
        data: The bytes of the file.
        plan: Chooses box and size of the result.
        resample: Filter for the final scaling.
        limits: Limits of size and cost.
        margin: The JPEG decoder may shrink down to this many times the requested size; the filter does the rest.
        reserve: Called before the pixels are decoded. What it raises is passed on.

    Raises:
        ImageRejected: The bytes are not an acceptable image. Nothing else is raised, whatever the bytes are.
    """
    check_bytes(len(data), limits)
    opener = select_opener(data)
    with _rejecting_errors():
        stored = opener(_ReadLimitedFile(data, limits.max_reads))
        scans = count_scans(data) if isinstance(stored, JpegImagePlugin.JpegImageFile) else 1
        _check_header(stored, data, scans, limits)
        draft = _draft(stored, scans, plan, limits, margin)
    if draft.memory > limits.max_memory:
        raise ImageRejected(RefusalReason.UNREADABLE)
    reserve(draft.memory)
    with _rejecting_errors():
        return _decode(stored, draft, plan, resample, limits)


@contextmanager
def _rejecting_errors() -> Iterator[None]:
    """Turn whatever a reader raises into a refusal."""
    try:
        yield
    except ImageRejected:
        raise
    except Image.DecompressionBombError as error:
        raise ImageRejected(RefusalReason.TOO_MANY_PIXELS) from error
    except Exception as error:
        # Damaged bytes raise anything from SyntaxError to RuntimeError: they hold no image. Where memory is limited,
        # some decoders raise MemoryError, and others say in words that there is too little.
        is_memory = isinstance(error, MemoryError) or "memory" in str(error).lower()
        raise ImageRejected(RefusalReason.UNREADABLE if is_memory else RefusalReason.DAMAGED) from error


class _ReadLimitedFile(BytesIO):
    """A file with a limited number of reads, against headers of millions of empty chunks."""

    def __init__(self, data: bytes, max_reads: int) -> None:
        super().__init__(data)
        self.reads_left = max_reads

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads_left -= 1
        if self.reads_left < 0:
            raise ImageRejected(RefusalReason.UNREADABLE)
        return super().read(size)


def _check_header(stored: ImageFile.ImageFile, data: bytes, scans: int, limits: DecodeLimits) -> None:
    _check_size(*stored.size, limits)
    # A HEIC names its primary image; the others are bursts, previews and depth maps.
    if not isinstance(stored, HeifImageFile) and getattr(stored, "is_animated", False):
        # Pages of a TIFF count as well: a user would not know which of them was classified.
        raise ImageRejected(RefusalReason.ANIMATED)
    if isinstance(stored, TiffImagePlugin.TiffImageFile) and _is_preview(stored):
        raise ImageRejected(RefusalReason.UNSUPPORTED_FORMAT)
    if scans > limits.max_scans:
        raise ImageRejected(RefusalReason.UNREADABLE)
    check_layout(stored, data, limits)


def _check_size(width: int, height: int, limits: DecodeLimits) -> None:
    if width * height > limits.max_pixels:
        raise ImageRejected(RefusalReason.TOO_MANY_PIXELS)
    if min(width, height) < limits.min_side:
        raise ImageRejected(RefusalReason.TOO_SMALL)


def _is_preview(stored: TiffImagePlugin.TiffImageFile) -> bool:
    """Return whether the first image of a TIFF is a thumbnail, as in the raw files of cameras (DNG, NEF, ARW)."""
    return bool(stored.tag_v2.get(_NEW_SUBFILE_TYPE, 0) & 1)


@dataclass(frozen=True, slots=True)
class _Draft:
    """The image that a decoder will make, by its header.

    `width` and `height` are the full size. A JPEG, whose decoder shrinks it, has its `box` in the smaller image and the
    `size` of the result; None for other formats. `memory` is in bytes.
    """

    width: int
    height: int
    target: tuple[Box, Size] | None
    memory: int


def _draft(stored: ImageFile.ImageFile, scans: int, plan: Plan, limits: DecodeLimits, margin: float) -> _Draft:
    width, height = stored.size
    if not isinstance(stored, JpegImagePlugin.JpegImageFile):
        return _Draft(width, height, None, estimate_memory(stored, pixels=width * height))
    target = _shrink_jpeg(stored, *plan(width, height), limits, margin)
    return _Draft(width, height, target, estimate_memory(stored, pixels=width * height, scans=scans))


def _decode(
    stored: ImageFile.ImageFile, draft: _Draft, plan: Plan, resample: Image.Resampling, limits: DecodeLimits
) -> DownscaledImage:
    stored.load()
    if draft.target is not None:
        width, height = draft.width, draft.height
        box, size = draft.target
    else:
        # The size is certain only now: Pillow turns a TIFF upright, and a HEIC may be larger than its header says.
        width, height = stored.size
        _check_size(width, height, limits)
        box, size = plan(width, height)
    small = to_averageable_mode(stored).resize(size, resample, box=box, reducing_gap=_REDUCING_GAP)
    orientation = _read_orientation(stored)
    if orientation in _TRANSPOSE_BY_ORIENTATION:
        small = small.transpose(_TRANSPOSE_BY_ORIENTATION[orientation])
    if orientation in _ORIENTATIONS_ON_SIDE:
        width, height = height, width
    rgb = to_rgb(small, stored.info.get("icc_profile"))
    rgb.info = {}  # Pillow copies metadata to each copy, and writes some of it when a copy is saved
    return DownscaledImage(rgb, width, height)


def _shrink_jpeg(
    stored: JpegImagePlugin.JpegImageFile, box: Box, size: Size, limits: DecodeLimits, margin: float
) -> tuple[Box, Size]:
    """Let the JPEG decoder shrink while it decodes. Returns `box` in the smaller image, and `size`."""
    width, height = stored.size
    min_size = (
        ceil(margin * size[0] * width / (box[2] - box[0])),
        ceil(margin * size[1] * height / (box[3] - box[1])),
    )
    drafted = stored.draft(None, min_size)
    if drafted is not None:
        scale_x, scale_y = drafted[1][2] / width, drafted[1][3] / height
        box = (box[0] * scale_x, box[1] * scale_y, box[2] * scale_x, box[3] * scale_y)
    # Read the whole file at once: Pillow would read 64 kB at a time and copy what the decoder has left of each part.
    stored.decodermaxblock = limits.max_bytes
    return box, size


def _read_orientation(stored: ImageFile.ImageFile) -> object:
    try:
        return stored.getexif().get(ExifTags.Base.Orientation)
    except (struct.error, KeyError, SyntaxError, TypeError, ValueError):
        return None  # the metadata is broken, the pixels are sound
