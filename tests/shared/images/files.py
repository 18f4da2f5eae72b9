"""Makes odd and hostile image files."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pillow_heif
from PIL import ExifTags, Image, ImageCms, TiffTags

from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec

SQUASH = PreprocessingSpec(size=64, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)
CENTRE = PreprocessingSpec(size=64, filter=Filter.BILINEAR, aspect=Aspect.CENTRE)

# Top left, top right, bottom left, bottom right.
RED, GREEN, BLUE, YELLOW = (200, 40, 40), (40, 170, 60), (50, 60, 200), (220, 200, 40)


def quarters(width: int = 240, height: int = 160) -> Image.Image:
    """Four coloured quarters, which show any rotation, flip or crop."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(YELLOW, (width // 2, height // 2, width, height))
    return image


def photograph(width: int = 320, height: int = 240, seed: int = 0) -> Image.Image:
    """An image with smooth areas and grain, which is real work for a decoder."""
    rng = np.random.default_rng(seed)
    hills = rng.integers(60, 200, (height // 20, width // 20, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(hills).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.normal(0, 6, (height, width, 1)).astype(np.int16)
    return Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8))


def encode(image: Image.Image, format_name: str, **options: Any) -> bytes:
    """Encode an image in a format by Pillow's name."""
    out = BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def encode_heic(*images: Image.Image, primary: int = 0, orientation: int = 1) -> bytes:
    """Encode images as HEIC. An orientation is stored as phones do it, as a property and as EXIF."""
    out = BytesIO()
    container = pillow_heif.HeifFile()
    for image in images:
        container.add_from_pillow(image)
        container[len(container) - 1].info["exif"] = make_exif(orientation).tobytes()
    container.save(out, quality=90, primary_index=primary, enc_params={"preset": "ultrafast"})
    return out.getvalue()


def store_rotated(image: Image.Image, orientation: int) -> Image.Image:
    """Turn an upright image into the pixels that a camera stores with this EXIF orientation."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return image.transpose(undo[orientation]) if orientation in undo else image


def make_exif(orientation: int) -> Image.Exif:
    """EXIF data with an orientation and an artist."""
    data = Image.Exif()
    data[ExifTags.Base.Orientation] = orientation
    data[ExifTags.Base.Artist] = "Jane Roe"
    return data


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 2, body: bytes = b"") -> bytes:
    """A PNG made by hand: header, `chunks`, compressed `body`."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(body or b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + data + png_chunk(b"IEND", b"")


def make_grey_png(*chunks: bytes, side: int = 64) -> bytes:
    """A valid grey PNG with extra chunks."""
    return make_png(side, side, *chunks, colour=0, body=(b"\0" + b"\x80" * side) * side)


def make_tiff(entries: dict[int, int | list[int]], body: bytes) -> bytes:
    """A TIFF made by hand: header, the body at offset 8, then one directory of LONG `entries`."""
    end = 8 + len(body)
    extra_at = end + 2 + 12 * len(entries) + 4
    directory, extra = struct.pack("<H", len(entries)), b""
    for tag, value in sorted(entries.items()):
        values = value if isinstance(value, list) else [value]
        packed = struct.pack(f"<{len(values)}I", *values)
        directory += struct.pack("<HHI", tag, 4, len(values))
        directory += packed if len(values) == 1 else struct.pack("<I", extra_at + len(extra))
        extra += packed if len(values) > 1 else b""
    return b"II*\0" + struct.pack("<I", end) + body + directory + bytes(4) + extra


def make_grey_tiff(body: bytes, *, width: int = 64, height: int = 64, **entries: int | list[int]) -> bytes:
    """A grey 8-bit TIFF with `body` at offset 8. Entries by their names in lower case, `TiffTags.TAGS_V2`."""
    tags = {info.name.lower(): number for number, info in TiffTags.TAGS_V2.items()}
    named = {"imagewidth": width, "imagelength": height, "bitspersample": 8, "photometricinterpretation": 1} | entries
    return make_tiff({tags[name]: value for name, value in named.items()}, body)


def make_grid_heic(columns: int, rows: int, *, tile: int = 64, width: int = 64, height: int = 64) -> bytes:
    """A HEIC whose grid refers to one tile `columns` x `rows` times, for an image of `width` x `height` pixels."""
    out = BytesIO()
    container = pillow_heif.HeifFile()
    container.add_from_pillow(Image.new("RGB", (2 * tile, tile), RED))
    container.save(out, quality=50, tile_size=tile, enc_params={"preset": "ultrafast"})
    data = out.getvalue()
    at = data.index(b"dimg")
    (item,) = struct.unpack(">H", data[at + 8 : at + 10])
    references = struct.pack(f">H{columns * rows}H", columns * rows, *[item] * (columns * rows))
    longer_by = len(references) - 6  # than a count and two references
    grid = data.index(struct.pack(">BBBBHH", 0, 0, 0, 1, 2 * tile, tile))
    size = data.index(b"ispe" + struct.pack(">III", 0, 2 * tile, tile))
    patched = bytearray(data)
    patched[grid : grid + 8] = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    patched[size + 8 : size + 16] = struct.pack(">II", width, height)
    for box in (b"meta", b"iref", b"dimg"):
        length = data.index(box) - 4
        patched[length : length + 4] = struct.pack(">I", struct.unpack(">I", data[length : length + 4])[0] + longer_by)
    # Offsets of the tiles from the start of the file, which the longer list shifts.
    first_tile = data.index(b"mdat") + 4
    for at_offset in range(data.index(b"iloc"), data.index(b"iinf")):
        (offset,) = struct.unpack(">I", data[at_offset : at_offset + 4])
        if first_tile <= offset < len(data):
            patched[at_offset : at_offset + 4] = struct.pack(">I", offset + longer_by)
    return bytes(patched[: at + 6]) + references + bytes(patched[at + 12 :])


def insert_segment(jpeg: bytes, segment: bytes, times: int = 1) -> bytes:
    """Insert a segment, with its marker, after the start of a JPEG."""
    return jpeg[:2] + segment * times + jpeg[2:]


def make_swapped_profile() -> bytes:
    """A valid ICC profile that swaps red and blue."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", profile[128:132])[0]
    for at in range(132, 132 + 12 * count, 12):
        name = bytes(profile[at : at + 4])
        profile[at : at + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(name, name)
    return bytes(profile)
