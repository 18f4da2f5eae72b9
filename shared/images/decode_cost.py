"""Bounds the cost of decoding a file by its header: checks the parts of the file, and estimates the memory."""

from math import ceil
from typing import Final

import numpy as np
from PIL import AvifImagePlugin, ImageFile, JpegImagePlugin, TiffImagePlugin, WebPImagePlugin
from pillow_heif import HeifImageFile

from shared.contract.decision import RefusalReason
from shared.images.limits import DecodeLimits
from shared.images.refusal import ImageRejected

# Bytes 0xff 0xda, as a little-endian number. They do not occur inside a scan: there a zero follows each 0xff.
_START_OF_SCAN: Final = 0xDAFF

#: Tiles may stick out of the image, but a decoder may produce at most this many times its pixels, or of a megapixel.
_MAX_PRODUCED: Final = 2
_MEGAPIXEL: Final = 2**20

# The largest measured peaks, in bytes a pixel, of an image of 50 million pixels and its conversion to RGB. WebP: two
# canvases, a copy and the image. HEIC and AVIF: planes of two bytes, alpha included, and three copies.
_WEBP_BYTES: Final = 20
_AVIF_BYTES: Final = 21
_HEIF_BYTES: Final = 21
#: HEIC as phones write it: 4:2:0 without alpha, 8 or 10 bits.
_HEIF_BYTES_PHONE: Final = 12
#: Pillow's image and, if its mode cannot be averaged, the converted copy.
_BYTES_BY_MODE: Final = {"1": 2, "L": 1, "P": 5, "RGB": 4, "YCbCr": 4, "RGBA": 8, "LA": 8, "CMYK": 8, "I;16": 7}
_BYTES_OF_OTHER_MODES: Final = 12
#: A transparent colour or palette entry: the copy is RGBA, which is copied once more to be scaled.
_BYTES_OF_TRANSPARENCY: Final = 8
#: A JPEG of several scans is kept as coefficients, two bytes for each component of each pixel.
_COEFFICIENT_BYTES: Final = 2
#: Size of the scaled image, of tables and of buffers.
_BASE_BYTES: Final = 4 * 2**20

_NO_COMPRESSION: Final = 1
_JPEG_COMPRESSION: Final = 7
# None, LZW, JPEG, Deflate (two numbers), PackBits. TIFF's other methods are for fax, or no camera writes them.
_TIFF_COMPRESSIONS: Final = frozenset({_NO_COMPRESSION, 5, _JPEG_COMPRESSION, 8, 32946, 32773})
_SEPARATE_PLANES: Final = 2
_TILE_TAGS: Final = frozenset(
    {
        TiffImagePlugin.TILEWIDTH,
        TiffImagePlugin.TILELENGTH,
        TiffImagePlugin.TILEOFFSETS,
        TiffImagePlugin.TILEBYTECOUNTS,
    }
)


def count_scans(data: bytes) -> int:
    """Count the scans of a JPEG, those of thumbnails included."""
    # Pairs that begin at even and at odd places. `bytes.count` takes eight times as long: 2 ms for a large photograph.
    stored = np.frombuffer(data, np.uint8)
    pairs = (stored[start : len(data) - (len(data) - start) % 2].view("<u2") for start in (0, 1) if len(data) > start)
    return sum(int(np.count_nonzero(pair == _START_OF_SCAN)) for pair in pairs)


def check_layout(stored: ImageFile.ImageFile, data: bytes, limits: DecodeLimits) -> None:
    """Check that the parts of an opened file, such as tiles, bound what its decoder does.

    Raises:
        ImageRejected: UNREADABLE if the parts are much larger than the image, too many, or share their bytes;
            UNSUPPORTED_FORMAT for a TIFF as no camera or scanner writes it.
    """
    if isinstance(stored, TiffImagePlugin.TiffImageFile):
        _check_tiff(stored, data, limits)
    elif isinstance(stored, HeifImageFile):
        tiling = stored.info.get("tiling")
        if tiling:
            tiles = tiling["num_columns"] * tiling["num_rows"]
            _check_produced(tiles * tiling["tile_width"] * tiling["tile_height"], *stored.size)


def estimate_memory(stored: ImageFile.ImageFile, *, pixels: int, scans: int = 1) -> int:
    """Estimate the bytes that decoding an opened file takes at its peak, from above.

    Args:
        stored: The file. A JPEG has its draft size.
        pixels: Pixels of the image in full size.
        scans: Scans of a JPEG.
    """
    if isinstance(stored, JpegImagePlugin.JpegImageFile):
        coefficients = pixels * len(stored.getbands()) * _COEFFICIENT_BYTES if scans > 1 else 0
        return _BASE_BYTES + coefficients + stored.width * stored.height * _BYTES_BY_MODE[stored.mode]
    return _BASE_BYTES + pixels * _bytes_per_pixel(stored) + _part_bytes(stored)


def _bytes_per_pixel(stored: ImageFile.ImageFile) -> int:
    if isinstance(stored, WebPImagePlugin.WebPImageFile):
        return _WEBP_BYTES
    if isinstance(stored, AvifImagePlugin.AvifImageFile):
        return _AVIF_BYTES
    if isinstance(stored, HeifImageFile):
        is_usual = stored.mode in ("RGB", "L") and stored.info.get("chroma") != 444
        return _HEIF_BYTES_PHONE if is_usual else _HEIF_BYTES
    transparency = _BYTES_OF_TRANSPARENCY if "transparency" in stored.info else 0
    return _BYTES_BY_MODE.get(stored.mode, _BYTES_OF_OTHER_MODES) + transparency


def _part_bytes(stored: ImageFile.ImageFile) -> int:
    """Return the bytes of the buffer for one strip or tile of a TIFF."""
    if not isinstance(stored, TiffImagePlugin.TiffImageFile):
        return 0
    width, height = _tiff_part_size(stored)
    bits = sum(stored.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
    return width * height * max(bits, 8 * len(stored.getbands())) // 8


def _check_tiff(stored: TiffImagePlugin.TiffImageFile, data: bytes, limits: DecodeLimits) -> None:
    tags = stored.tag_v2
    compression = tags.get(TiffImagePlugin.COMPRESSION, _NO_COMPRESSION)
    if compression not in _TIFF_COMPRESSIONS:
        raise ImageRejected(RefusalReason.UNSUPPORTED_FORMAT)
    is_tiled = not _TILE_TAGS.isdisjoint(tags)
    if is_tiled and TiffImagePlugin.STRIPOFFSETS in tags:
        raise ImageRejected(RefusalReason.DAMAGED)  # Pillow reads the strips, libtiff the tiles
    width, height = tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH]
    part_width, part_height = _tiff_part_size(stored)
    parts = ceil(width / part_width) * ceil(height / part_height)
    _check_produced(parts * part_width * part_height, width, height)
    if tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == _SEPARATE_PLANES:
        parts *= tags[TiffImagePlugin.SAMPLESPERPIXEL]
    offsets = tags.get(TiffImagePlugin.TILEOFFSETS if is_tiled else TiffImagePlugin.STRIPOFFSETS, ())
    sizes = tags.get(TiffImagePlugin.TILEBYTECOUNTS if is_tiled else TiffImagePlugin.STRIPBYTECOUNTS, ())
    if len(offsets) > parts or (len(sizes) != len(offsets) and compression != _NO_COMPRESSION):
        raise ImageRejected(RefusalReason.UNREADABLE)
    end = 0
    # strict=False: without compression sizes may be missing, and the decoder does not read them.
    for offset, size in sorted(zip(offsets, sizes, strict=False)):
        if offset < end:
            raise ImageRejected(RefusalReason.UNREADABLE)  # the same bytes would be decoded several times
        end = offset + size
    if compression == _JPEG_COMPRESSION and count_scans(data) > limits.max_scans + parts:
        raise ImageRejected(RefusalReason.UNREADABLE)


def _tiff_part_size(stored: TiffImagePlugin.TiffImageFile) -> tuple[int, int]:
    """Return width and height of each tile, or of each strip but the last."""
    tags = stored.tag_v2
    if not _TILE_TAGS.isdisjoint(tags):
        return tags[TiffImagePlugin.TILEWIDTH], tags[TiffImagePlugin.TILELENGTH]
    height = tags[TiffImagePlugin.IMAGELENGTH]
    return tags[TiffImagePlugin.IMAGEWIDTH], min(height, tags.get(TiffImagePlugin.ROWSPERSTRIP, height))


def _check_produced(produced: int, width: int, height: int) -> None:
    if produced > _MAX_PRODUCED * max(width * height, _MEGAPIXEL):
        raise ImageRejected(RefusalReason.UNREADABLE)
