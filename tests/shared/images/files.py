"""Odd and hostile files, made on the spot."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageCms

from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec

SQUASH = PreprocessingSpec(size=64, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)
CENTRE = PreprocessingSpec(size=64, filter=Filter.BILINEAR, aspect=Aspect.CENTRE)

# Top left, top right, bottom left, bottom right.
RED, GREEN, BLUE, YELLOW = (200, 40, 40), (40, 170, 60), (50, 60, 200), (220, 200, 40)


def quarters(width: int = 240, height: int = 160) -> Image.Image:
    """Four coloured quarters: any turn, flip or cut shows."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(GREEN, (width // 2, 0, width, height))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    picture.paste(YELLOW, (width // 2, height // 2, width, height))
    return picture


def photograph(width: int = 320, height: int = 240, seed: int = 0) -> Image.Image:
    """Something with hills and grain, for which a decoder has real work."""
    rng = np.random.default_rng(seed)
    hills = rng.integers(60, 200, (height // 20, width // 20, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(hills).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.normal(0, 6, (height, width, 1)).astype(np.int16)
    return Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Encode by Pillow's name of the format."""
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def heic(*pictures: Image.Image, primary: int = 0, orientation: int = 1) -> bytes:
    """Encode one or several pictures as HEIC; with an orientation, as phones do it: as a property and as EXIF."""
    out = BytesIO()
    container = pillow_heif.HeifFile()
    for picture in pictures:
        container.add_from_pillow(picture)
        container[len(container) - 1].info["exif"] = exif(orientation).tobytes()
    container.save(out, quality=90, primary_index=primary, enc_params={"preset": "ultrafast"})
    return out.getvalue()


def turned(picture: Image.Image, orientation: int) -> Image.Image:
    """Store an upright picture as a camera with this EXIF orientation would have."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return picture.transpose(undo[orientation]) if orientation in undo else picture


def exif(orientation: int) -> Image.Exif:
    """EXIF data that says how to turn the picture, and who took it."""
    data = Image.Exif()
    data[ExifTags.Base.Orientation] = orientation
    data[ExifTags.Base.Artist] = "Jane Roe"
    return data


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2, body: bytes = b"") -> bytes:
    """A PNG made by hand: header, `chunks`, compressed `body`."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(body or b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + data + chunk(b"IEND", b"")


def grey_png(*chunks: bytes, side: int = 64) -> bytes:
    """A sound grey PNG with extra chunks."""
    return png(side, side, *chunks, colour=0, body=(b"\0" + b"\x80" * side) * side)


def with_segment(jpeg: bytes, segment: bytes, times: int = 1) -> bytes:
    """Put a segment, its marker included, behind the start of a JPEG."""
    return jpeg[:2] + segment * times + jpeg[2:]


def swapped_profile() -> bytes:
    """An ICC profile, well-formed, under which red and blue change places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    for at in range(132, 132 + 12 * count, 12):
        name = bytes(profile[at : at + 4])
        profile[at : at + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(name, name)
    return bytes(profile)
