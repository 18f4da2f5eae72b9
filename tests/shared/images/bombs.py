"""Small files that are far more work than the size of their image: limits of width and height do not stop them."""

import zlib

from PIL import Image

from tests.shared.images.files import encode, encode_heic, make_grey_tiff, make_grid_heic

_DEFLATE, _JPEG = 8, 7

#: Sides of a square image just below the limit of pixels.
LARGE = (7050, 7050)

NamedFile = tuple[str, bytes]


def tile_bomb() -> bytes:
    """One tile of 715 million pixels for a picture of 64 x 64."""
    body = zlib.compress(bytes(26752 * 2048), 9)
    return make_grey_tiff(
        body, compression=_DEFLATE, tilewidth=26752, tilelength=26736, tileoffsets=8, tilebytecounts=len(body)
    )


def shared_tiles(tiles: int = 32) -> bytes:
    """Tiles that all have the same bytes: the file is small, the work is not."""
    body = zlib.compress(bytes(1024 * 1024), 9)
    return make_grey_tiff(
        body,
        width=1024 * tiles,
        height=1024,
        compression=_DEFLATE,
        tilewidth=1024,
        tilelength=1024,
        tileoffsets=[8] * tiles,
        tilebytecounts=[len(body)] * tiles,
    )


def shared_strips() -> bytes:
    body = zlib.compress(bytes(2048), 9)
    return make_grey_tiff(
        body,
        width=2048,
        height=2048,
        compression=_DEFLATE,
        rowsperstrip=1,
        stripoffsets=[8] * 2048,
        stripbytecounts=[len(body)] * 2048,
    )


def repeated_strips() -> bytes:
    """Without compression: Pillow would decode the picture once for every two of 100,000 strips."""
    return make_grey_tiff(
        bytes(1000 * 1000), width=1000, height=1000, rowsperstrip=999, stripoffsets=[8, 999_008] * 50_000
    )


def scans_in_a_tiff() -> bytes:
    jpeg = encode(Image.new("L", (2000, 2000), 100), "JPEG", progressive=True)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    body = jpeg[:-2] + scan * 2000 + jpeg[-2:]
    return make_grey_tiff(
        body, width=2000, height=2000, compression=_JPEG, rowsperstrip=2000, stripoffsets=8, stripbytecounts=len(body)
    )


def make_expensive_files(copies: int = 6) -> list[NamedFile]:
    """Small files of sound images just below the limit of pixels, each about a second of a core.

    There are `copies` of each of five formats, and four times as many WebP files.
    """
    flat = Image.new("RGB", LARGE, (120, 80, 60))
    files = {
        "a.webp": (encode(flat, "WEBP", lossless=True, method=0), 4 * copies),
        "b.png": (encode(flat.convert("RGBA"), "PNG", compress_level=1), copies),
        "c.jpg": (encode(flat, "JPEG", progressive=True, subsampling=0), copies),
        "d.tif": (encode(flat.convert("CMYK"), "TIFF", compression="tiff_lzw"), copies),
        "e.avif": (encode(flat, "AVIF", speed=10, subsampling="4:4:4"), copies),
        "f.heic": (encode_heic(flat), copies),
    }
    return [(name, data) for name, (data, count) in files.items() for _ in range(count)]


def make_refused_bombs(copies: int = 90) -> list[NamedFile]:
    """Bombs of five kinds, `copies` of each."""
    bombs = {"tile.tif": tile_bomb(), "shared.tif": shared_tiles(), "strips.tif": repeated_strips()}
    bombs |= {"scans.tif": scans_in_a_tiff(), "grid.heic": make_grid_heic(30, 30, tile=1024)}
    return [(name, data) for name, data in bombs.items() for _ in range(copies)]
