"""Detects the format of a file from its bytes alone: names and content types from clients may be wrong."""

from collections.abc import Callable
from io import BytesIO
from typing import Final

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from pillow_heif import HeifImageFile

from shared.contract.decision import RefusalReason
from shared.images.refusal import ImageRejected

#: Reads the header and returns an image whose pixels are not decoded yet.
Opener = Callable[[BytesIO], ImageFile.ImageFile]

# Pillow's readers are called directly and not through `Image.open`, which would try one after the other, keep its own
# pixel limit in a global variable, and take the two-image JPEG of phones (MPO) for an animation. `JpegImageFile` reads
# the first image of an MPO, which is the full one.
_OPENER_BY_MAGIC: Final[tuple[tuple[bytes, Opener], ...]] = (
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
)

# Brands of the `ftyp` box, ISO/IEC 23008-12 annex B and the AVIF specification.
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
_HEIF_BRANDS: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)

# Images, or documents that may hold one, that users do send and that are not read here.
_UNSUPPORTED: Final[tuple[bytes, ...]] = (
    b"GIF87a",
    b"GIF89a",
    b"%PDF",
    b"%!PS",
    b"8BPS",  # Photoshop
    b"II+\0",  # BigTIFF
    b"MM\0+",
    b"FUJIFILMCCD-RAW",
    b"IIRO",  # Olympus raw
    b"IIU\0",  # Panasonic raw
    b"\0\0\x01\0",  # Windows icon
    b"\0\0\0\x0cjP  ",  # JPEG 2000
    b"\xff\x4f\xff\x51",
    b"\xff\x0a",  # JPEG XL
    b"\0\0\0\x0cJXL ",
    b"\x1a\x45\xdf\xa3",  # Matroska and WebM
)


#: Readers of simple formats, whose decoders produce the pixels that the header names, once.
_BOUNDED_OPENERS: Final[tuple[Opener, ...]] = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    BmpImagePlugin.BmpImageFile,
    WebPImagePlugin.WebPImageFile,
)


def needs_isolation(data: bytes) -> bool:
    """Return whether a process that must go on should leave this file to another process.

    TIFF, HEIC and AVIF are containers of parts with sizes of their own: no header bounds what a decoder takes.
    """
    try:
        return select_opener(data) not in _BOUNDED_OPENERS
    except ImageRejected:
        return False


def select_opener(data: bytes) -> Opener:
    """Select the reader for `data`.

    Raises:
        ImageRejected: ANIMATED for an animated GIF, UNSUPPORTED_FORMAT for other known formats, NOT_A_PICTURE for the
            rest.
    """
    for start, reader in _OPENER_BY_MAGIC:
        if data.startswith(start):
            return _select_bmp_opener(data) if start == b"BM" else reader
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile
    if data[4:8] == b"ftyp":
        return _select_isobmff_opener(data)
    raise ImageRejected(_rejection_reason(data))


def _select_bmp_opener(data: bytes) -> Opener:
    if data[14:15] not in (b"\x0c", b"\x28", b"\x34", b"\x38", b"\x40", b"\x6c", b"\x7c"):
        # Any text may begin with these two letters: here the second header has none of the known lengths.
        raise ImageRejected(RefusalReason.NOT_A_PICTURE)
    if data[14:15] != b"\x0c" and data[30:31] in (b"\x01", b"\x02"):
        # Run-length coded: Pillow unpacks these in Python, which may take many seconds, and no camera writes them.
        raise ImageRejected(RefusalReason.UNSUPPORTED_FORMAT)
    return BmpImagePlugin.BmpImageFile


def _select_isobmff_opener(data: bytes) -> Opener:
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}
    if brands & _AVIF_BRANDS:
        return AvifImagePlugin.AvifImageFile
    if brands & _HEIF_BRANDS:
        return HeifImageFile  # type: ignore[no-any-return]
    raise ImageRejected(RefusalReason.UNSUPPORTED_FORMAT)  # videos, and the raw files of some cameras


def _rejection_reason(data: bytes) -> RefusalReason:
    if data.startswith((b"GIF87a", b"GIF89a")) and data.count(b"\x21\xf9\x04") > 1:
        return RefusalReason.ANIMATED  # each frame has a graphic control extension before it
    if data.startswith(_UNSUPPORTED) or b"<svg" in data[:1024].lower():
        return RefusalReason.UNSUPPORTED_FORMAT
    return RefusalReason.NOT_A_PICTURE
