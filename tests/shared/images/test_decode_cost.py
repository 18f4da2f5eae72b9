"""Limits bound what a decoder produces and allocates, not only the width and height that a file claims."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.contract.decision import RefusalReason
from shared.images.decode import decode
from shared.images.decode_cost import count_scans
from shared.images.limits import DECODE_LIMITS, DecodeLimits
from shared.images.refusal import ImageRejected
from tests.shared.images.bombs import repeated_strips, scans_in_a_tiff, shared_strips, shared_tiles, tile_bomb
from tests.shared.images.files import (
    SQUASH,
    encode,
    encode_heic,
    make_grey_png,
    make_grey_tiff,
    make_grid_heic,
    photograph,
)

DEFLATE, OLD_JPEG, FAX, RAW = 8, 6, 4, 1


def tiles_and_strips() -> bytes:
    return make_grey_tiff(
        bytes(64 * 64), stripoffsets=8, stripbytecounts=4096, tilewidth=64, tilelength=64, rowsperstrip=64
    )


def of_compression(compression: int) -> bytes:
    return make_grey_tiff(bytes(4096), compression=compression, rowsperstrip=64, stripoffsets=8, stripbytecounts=4096)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(tile_bomb(), RefusalReason.UNREADABLE, id="tile-bomb"),
        pytest.param(shared_tiles(), RefusalReason.UNREADABLE, id="shared-tiles"),
        pytest.param(shared_strips(), RefusalReason.UNREADABLE, id="shared-strips"),
        pytest.param(repeated_strips(), RefusalReason.UNREADABLE, id="repeated-strips"),
        pytest.param(scans_in_a_tiff(), RefusalReason.UNREADABLE, id="scans-in-a-tiff"),
        pytest.param(make_grid_heic(30, 30, tile=1024), RefusalReason.UNREADABLE, id="grid-of-one-heic-tile"),
        pytest.param(tiles_and_strips(), RefusalReason.DAMAGED, id="tiles-and-strips"),
        pytest.param(of_compression(OLD_JPEG), RefusalReason.UNSUPPORTED_FORMAT, id="old-jpeg-in-a-tiff"),
        pytest.param(of_compression(FAX), RefusalReason.UNSUPPORTED_FORMAT, id="fax"),
    ],
)
def test_parts_that_do_not_fit_the_image_are_refused_before_they_are_decoded(
    data: bytes, reason: RefusalReason
) -> None:
    assert len(data) <= DECODE_LIMITS.max_bytes
    with pytest.raises(ImageRejected) as refused:
        decode(data, SQUASH, reserve=lambda _: pytest.fail("decoded"))
    assert refused.value.reason is reason


GREY = np.asarray(photograph(200, 120).convert("L"))


def tiled(compression: int) -> bytes:
    padded = np.zeros((128, 256), np.uint8)
    padded[:120, :200] = GREY
    tiles = [padded[row : row + 64, column : column + 64].tobytes() for row in (0, 64) for column in (0, 64, 128, 192)]
    parts = tiles if compression == RAW else [zlib.compress(tile) for tile in tiles]
    offsets = np.cumsum([8, *map(len, parts)]).tolist()
    return make_grey_tiff(
        b"".join(parts),
        width=200,
        height=120,
        compression=compression,
        tilewidth=64,
        tilelength=64,
        tileoffsets=offsets[:-1],
        tilebytecounts=[len(part) for part in parts],
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tiled(RAW), id="tiles"),
        pytest.param(tiled(DEFLATE), id="deflated-tiles"),
        pytest.param(
            make_grey_tiff(GREY.tobytes(), width=200, height=120, rowsperstrip=50, stripoffsets=[8, 10008, 20008]),
            id="strips-without-their-sizes",
        ),
        pytest.param(
            make_grey_tiff(GREY.tobytes(), width=200, height=120, rowsperstrip=2**31 - 1, stripoffsets=8),
            id="one-strip",
        ),
        pytest.param(encode(Image.fromarray(GREY), "TIFF", compression="tiff_lzw"), id="lzw"),
        pytest.param(encode(Image.fromarray(GREY), "TIFF", compression="packbits"), id="packbits"),
    ],
)
def test_sound_tiff_has_the_pixels_that_were_stored(data: bytes) -> None:
    expected = decode(encode(Image.fromarray(GREY), "PNG"), SQUASH).pixels
    np.testing.assert_array_equal(decode(data, SQUASH).pixels, expected)


def test_grid_of_a_phone_is_read() -> None:
    """A phone stores a photograph as a grid of tiles that stick out at the right and at the bottom."""
    decoded = decode(make_grid_heic(4, 3, tile=512, width=1900, height=1400), SQUASH)
    assert (decoded.width, decoded.height) == (1900, 1400)


def write_images(folder: Path) -> None:
    side = 2000
    colour, alpha = Image.new("RGB", (side, side), (120, 80, 60)), Image.new("RGBA", (side, side), (120, 80, 60, 200))
    files = {
        "draft.jpg": encode(colour, "JPEG"),
        "progressive.jpg": encode(colour, "JPEG", progressive=True, subsampling=0),
        "grey.jpg": encode(colour.convert("L"), "JPEG"),
        "ink.jpg": encode(colour.convert("CMYK"), "JPEG", progressive=True),
        "rgb.png": encode(colour, "PNG"),
        "transparent-colour.png": encode(colour, "PNG", transparency=(1, 2, 3)),
        "alpha.png": encode(alpha, "PNG"),
        "palette.png": encode(colour.quantize(4), "PNG", transparency=1),
        "bits.png": encode(colour.convert("1"), "PNG"),
        "deep.png": encode(Image.fromarray(np.full((side, side), 30_000, np.uint16)), "PNG"),
        "lossy.webp": encode(colour, "WEBP"),
        "lossless.webp": encode(alpha, "WEBP", lossless=True),
        "rgb.bmp": encode(colour, "BMP"),
        "floats.tif": encode(Image.new("F", (side, side), 0.5), "TIFF", compression="tiff_lzw"),
        "whole.tif": encode(colour, "TIFF", compression="tiff_lzw", strip_size=2**30),
        "ink.tif": encode(colour.convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
        "420.avif": encode(colour, "AVIF", speed=10),
        "alpha.avif": encode(alpha, "AVIF", speed=10, subsampling="4:4:4"),
        "phone.heic": encode_heic(colour),
        "alpha.heic": encode_heic(alpha),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    deep = pillow_heif.from_bytes(mode="RGBA;16", size=(side, side), data=bytes(side * side * 8))
    deep.save(folder / "deep.heic", quality=50, chroma=444, enc_params={"preset": "ultrafast"})


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_estimate_is_an_upper_bound_of_what_each_decoder_takes(tmp_path: Path) -> None:
    write_images(tmp_path)
    measured = subprocess.run(
        [sys.executable, "-m", "tests.shared.images.measure_peaks", str(tmp_path)],
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "OPENBLAS_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    peaks: dict[str, tuple[int, int]] = json.loads(measured.stdout)
    assert len(peaks) == len(list(tmp_path.iterdir()))
    assert {name: peak for name, peak in peaks.items() if peak[1] > peak[0]} == {}
    too_high = {name: peak for name, peak in peaks.items() if peak[0] > 4 * peak[1] + 8 * 2**20}
    assert too_high == {}, "an estimate this high makes others wait for nothing"


def test_image_that_takes_more_than_the_limit_is_refused_before_it_is_decoded() -> None:
    limits = DecodeLimits(max_memory=6 * 2**20)
    data = encode(Image.new("RGB", (1000, 1000)), "PNG")
    with pytest.raises(ImageRejected) as refused:
        decode(data, SQUASH, limits, reserve=lambda _: pytest.fail("decoded"))
    assert refused.value.reason is RefusalReason.UNREADABLE
    assert decode(make_grey_png(), SQUASH, limits).width == 64


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "AVIF", "HEIC"])
def test_largest_image_of_each_format_fits_the_limit(kind: str) -> None:
    """Nothing that was read before the limit of memory is refused by it."""
    image = Image.new("RGBA" if kind in ("PNG", "WEBP", "AVIF", "HEIC") else "RGB", (100, 100))
    reserved: list[int] = []
    data = encode_heic(image) if kind == "HEIC" else encode(image, kind)
    decode(data, SQUASH, reserve=reserved.append)
    base = 4 * 2**20
    assert (reserved[0] - base) * DECODE_LIMITS.max_pixels / (100 * 100) + base < DECODE_LIMITS.max_memory


def test_what_reserve_raises_is_passed_on() -> None:
    class NoMemory(Exception):
        pass

    def refuse(_: int) -> None:
        raise NoMemory

    with pytest.raises(NoMemory):
        decode(make_grey_png(), SQUASH, reserve=refuse)


@given(st.lists(st.sampled_from([b"\xff", b"\xda", b"\0"]), max_size=20).map(b"".join))
def test_scans_are_counted_wherever_they_begin(data: bytes) -> None:
    assert count_scans(data) == data.count(b"\xff\xda")
