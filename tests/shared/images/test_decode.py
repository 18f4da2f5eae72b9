"""Every format and layout of an image gives the same upright RGB pixels."""

import struct
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms, JpegImagePlugin

from shared.contract.decision import RefusalReason
from shared.images.decode import decode
from shared.images.limits import DecodeLimits
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec
from shared.images.refusal import ImageRejected
from tests.shared.images.files import (
    BLUE,
    CENTRE,
    GREEN,
    RED,
    SQUASH,
    YELLOW,
    encode,
    encode_heic,
    make_exif,
    make_grey_png,
    make_swapped_profile,
    photograph,
    png_chunk,
    quarters,
    store_rotated,
)

MODEL = PreprocessingSpec(size=224, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)
CORNERS = ((8, 8, RED), (8, 56, GREEN), (56, 8, BLUE), (56, 56, YELLOW))


def assert_quarters(pixels: np.ndarray, within: int = 14) -> None:
    for row, column, colour in CORNERS:
        assert np.abs(pixels[row, column].astype(int) - colour).max() <= within, (row, column)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encode(quarters(), "JPEG", quality=95), id="jpeg"),
        pytest.param(encode(quarters(), "JPEG", quality=95, progressive=True), id="progressive-jpeg"),
        pytest.param(encode(quarters(), "PNG"), id="png"),
        pytest.param(encode(quarters().convert("RGBA"), "PNG"), id="png-with-alpha"),
        pytest.param(encode(quarters().quantize(16), "PNG"), id="palette"),
        pytest.param(encode(quarters(), "WEBP", quality=90), id="webp"),
        pytest.param(encode(quarters(), "WEBP", lossless=True), id="webp-lossless"),
        pytest.param(encode(quarters(), "AVIF", quality=90), id="avif"),
        pytest.param(encode_heic(quarters()), id="heic"),
        pytest.param(encode_heic(photograph(), quarters(), primary=1), id="heic-primary"),
        pytest.param(encode(quarters(), "BMP"), id="bmp"),
        pytest.param(encode(quarters(), "TIFF", compression="tiff_lzw"), id="tiff"),
        pytest.param(encode(quarters(), "TIFF"), id="tiff-uncompressed"),
        pytest.param(encode(quarters().convert("CMYK"), "JPEG", quality=95), id="cmyk-jpeg"),
        pytest.param(encode(quarters().convert("CMYK"), "TIFF"), id="cmyk-tiff"),
        pytest.param(encode(quarters().convert("YCbCr"), "TIFF", compression="tiff_lzw"), id="ycbcr-tiff"),
        pytest.param(encode(quarters(), "MPO", save_all=True, append_images=[photograph()], quality=95), id="mpo"),
    ],
)
def test_each_format_gives_the_same_image(data: bytes) -> None:
    decoded = decode(data, SQUASH)
    assert decoded.pixels.shape == (64, 64, 3)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.flags.c_contiguous
    assert (decoded.width, decoded.height) == (240, 160)
    assert_quarters(decoded.pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_gives_the_same_upright_image(kind: str, orientation: int) -> None:
    stored = store_rotated(quarters(), orientation)
    data = encode(stored, kind, exif=make_exif(orientation), **({"quality": 95} if kind != "PNG" else {}))
    decoded = decode(data, SQUASH)
    assert (decoded.width, decoded.height) == (240, 160)
    assert_quarters(decoded.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotated_heic_is_rotated_once(orientation: int) -> None:
    decoded = decode(encode_heic(store_rotated(quarters(), orientation), orientation=orientation), SQUASH)
    assert (decoded.width, decoded.height) == (240, 160)
    assert_quarters(decoded.pixels)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("broken", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08"])
def test_broken_exif_is_ignored(kind: str, broken: bytes) -> None:
    assert_quarters(decode(encode(quarters(), kind, exif=broken), SQUASH).pixels)


def test_squash_keeps_all_and_centre_crops_the_sides() -> None:
    wide = Image.new("RGB", (300, 100), RED)
    wide.paste(GREEN, (100, 0, 200, 100))
    data = encode(wide, "PNG")
    squashed, cut = decode(data, SQUASH).pixels, decode(data, CENTRE).pixels
    assert tuple(squashed[32, 2]) == RED
    assert tuple(squashed[32, 32]) == GREEN
    assert (cut[:, 2:-2] == GREEN).all()


def test_centre_of_a_large_jpeg_is_the_centre() -> None:
    wide = Image.new("RGB", (1500, 500), RED)
    wide.paste(GREEN, (500, 0, 1000, 500))
    cut = decode(encode(wide, "JPEG", quality=95), CENTRE).pixels
    assert np.abs(cut[:, 3:-3].astype(int) - GREEN).max() < 8


@pytest.mark.parametrize("size", [(1024, 768), (1280, 960), (1900, 700), (333, 777)])
@pytest.mark.parametrize("aspect", Aspect)
def test_fast_decoding_stays_close_to_the_full_one(size: tuple[int, int], aspect: Aspect) -> None:
    preprocessing = PreprocessingSpec(size=224, filter=Filter.BILINEAR, aspect=aspect)
    data = encode(photograph(*size), "JPEG", quality=88)
    lossless = encode(Image.open(BytesIO(data)), "PNG", compress_level=0)
    fast, full = decode(data, preprocessing).pixels.astype(int), decode(lossless, preprocessing).pixels.astype(int)
    assert np.abs(fast - full).mean() < 0.7
    assert np.abs(fast - full).max() <= 8


def test_large_jpegs_are_decoded_at_a_fraction(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[int, int]] = []
    load = JpegImagePlugin.JpegImageFile.load

    def recorded_load(self: JpegImagePlugin.JpegImageFile) -> object:
        loaded.append(self.size)
        return load(self)

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", recorded_load)
    decode(encode(photograph(1024, 768), "JPEG"), MODEL)
    assert loaded[0] == (512, 384)


@pytest.mark.parametrize(
    ("data", "grey"),
    [
        pytest.param(encode(Image.new("L", (64, 64), 100), "PNG"), 100, id="grey"),
        pytest.param(encode(Image.new("1", (64, 64), 1), "PNG"), 255, id="one-bit"),
        pytest.param(encode(Image.new("LA", (64, 64), (100, 255)), "PNG"), 100, id="opaque"),
        pytest.param(encode(Image.new("LA", (64, 64), (100, 0)), "PNG"), 255, id="transparent-grey"),
        pytest.param(encode(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG"), 255, id="transparent"),
        pytest.param(encode(Image.new("RGBA", (64, 64), (0, 0, 0, 51)), "PNG"), 204, id="translucent"),
        pytest.param(encode(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "WEBP", lossless=True), 255, id="webp"),
        pytest.param(encode(Image.new("I;16", (64, 64), 100 * 257), "PNG"), 100, id="sixteen-bits"),
        pytest.param(encode(Image.new("I;16", (64, 64), 100 * 257), "TIFF"), 100, id="sixteen-bits-tiff"),
        pytest.param(encode(Image.new("I", (64, 64), 100 * 257), "TIFF"), 100, id="int-of-sixteen-bits"),
        pytest.param(encode(Image.new("F", (64, 64), 100 / 255), "TIFF"), 100, id="float-unit"),
        pytest.param(encode(Image.new("F", (64, 64), 100.0), "TIFF"), 100, id="float-of-eight-bits"),
        pytest.param(encode(Image.new("F", (64, 64), 100.0 * 257), "TIFF"), 100, id="float-of-sixteen-bits"),
        pytest.param(make_grey_png(png_chunk(b"tRNS", struct.pack(">H", 0x80))), 255, id="transparent-by-colour"),
    ],
)
def test_depth_and_alpha(data: bytes, grey: int) -> None:
    pixels = decode(data, SQUASH).pixels.astype(int)
    assert np.abs(pixels - grey).max() <= 1


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1))
    row = decode(encode(Image.fromarray(ramp), "PNG"), SQUASH).pixels[32, :, 0].astype(int)
    assert np.abs(row - np.linspace(0, 255, 64)).max() <= 2


def test_a_palette_with_transparency_lies_on_white() -> None:
    image = quarters().quantize(4)
    clear = image.getpixel((5, 5))
    assert isinstance(clear, int)
    pixels = decode(encode(image, "PNG", transparency=clear), SQUASH).pixels
    assert tuple(pixels[8, 8]) == (255, 255, 255)
    assert np.abs(pixels[8, 56].astype(int) - GREEN).max() <= 2


def test_floats_that_are_not_finite() -> None:
    values = np.full((64, 64), 0.5, np.float32)
    values[0, 0] = np.nan
    assert decode(encode(Image.fromarray(values), "TIFF"), SQUASH).pixels[40, 40, 0] == 128
    values[1, 1] = np.inf
    with pytest.raises(ImageRejected) as refused:
        decode(encode(Image.fromarray(values), "TIFF"), SQUASH)
    assert refused.value.reason is RefusalReason.DAMAGED


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_colour_profiles_are_applied(kind: str) -> None:
    data = encode(Image.new("RGB", (64, 64), (200, 60, 20)), kind, icc_profile=make_swapped_profile())
    red, _green, blue = decode(data, SQUASH).pixels[32, 32]
    assert blue > 150
    assert red < 100


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(b"nothing of the kind", id="text"),
        pytest.param(make_swapped_profile()[:300], id="cut"),
        pytest.param(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), id="not-of-rgb"),
        pytest.param(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), id="srgb-itself"),
        pytest.param(make_swapped_profile() + bytes(1024 * 1024), id="huge"),
    ],
)
def test_other_profiles_change_nothing(profile: bytes) -> None:
    plain = Image.new("RGB", (64, 64), (200, 60, 20))
    with_profile = decode(encode(plain, "WEBP", lossless=True, icc_profile=profile), SQUASH)
    assert np.array_equal(with_profile.pixels, decode(encode(plain, "PNG"), SQUASH).pixels)


def test_the_result_carries_no_metadata() -> None:
    decoded = decode(encode(quarters(), "JPEG", exif=make_exif(1), comment=b"Jane Roe"), SQUASH)
    assert set(decoded.__slots__) == {"pixels", "width", "height", "advice"}
    assert b"Jane" not in decoded.pixels.tobytes()


@pytest.mark.parametrize("filter_", Filter)
def test_each_filter_is_used(filter_: Filter) -> None:
    data = encode(photograph(150, 150), "PNG")
    preprocessing = PreprocessingSpec(size=64, filter=filter_, aspect=Aspect.SQUASH)
    expected = photograph(150, 150).resize((64, 64), Image.Resampling[filter_.name])
    assert np.array_equal(decode(data, preprocessing).pixels, np.asarray(expected))


def test_small_images_are_scaled_up() -> None:
    decoded = decode(encode(quarters(40, 36), "PNG"), MODEL)
    assert decoded.pixels.shape == (224, 224, 3)


def test_decode_applies_the_limits_of_the_caller() -> None:
    data = encode(quarters(100, 80), "PNG")
    for limits, reason in (
        (DecodeLimits(max_bytes=len(data) - 1), RefusalReason.TOO_MANY_BYTES),
        (DecodeLimits(max_pixels=7999), RefusalReason.TOO_MANY_PIXELS),
        (DecodeLimits(min_side=81), RefusalReason.TOO_SMALL),
    ):
        with pytest.raises(ImageRejected) as refused:
            decode(data, SQUASH, limits)
        assert refused.value.reason is reason
    decode(data, SQUASH, DecodeLimits(max_bytes=len(data), max_pixels=8000, min_side=80))


def test_threads_do_not_disturb_each_other() -> None:
    kinds = ("JPEG", "PNG", "WEBP", "TIFF")
    files = [encode(photograph(seed=seed), kinds[seed % 4], icc_profile=make_swapped_profile()) for seed in range(8)]
    alone = [decode(data, SQUASH).pixels for data in files]
    with ThreadPoolExecutor(8) as pool:
        concurrent = list(pool.map(lambda index: decode(files[index % 8], SQUASH).pixels, range(160)))
    for index, pixels in enumerate(concurrent):
        assert np.array_equal(pixels, alone[index % 8])
