"""Files that are not acceptable images are refused quickly, with a reason that users can act on."""

import struct
import zlib

import pytest
from PIL import Image, TiffImagePlugin

from shared.contract.decision import RefusalReason
from shared.images.decode import decode
from shared.images.limits import DECODE_LIMITS
from shared.images.refusal import ImageRejected, check_bytes, describe
from shared.images.thumbnail import make_thumbnail
from tests.shared.images.files import (
    SQUASH,
    encode,
    encode_heic,
    insert_segment,
    make_grey_png,
    make_png,
    photograph,
    png_chunk,
    quarters,
)

JPEG = encode(photograph(), "JPEG")
PNG = encode(photograph(), "PNG")
WEBP = encode(photograph(), "WEBP")
FRAMES = [photograph(80, 60, seed) for seed in range(3)]


def animated(kind: str) -> bytes:
    return encode(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:], duration=80)


def two_pages() -> bytes:
    return encode(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:2])


def preview_tiff() -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = 1
    return encode(photograph(), "TIFF", tiffinfo=tags)


def run_length_bmp() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 64, 64, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 2000, 0, 0, 54 + 1024) + header + bytes(1024) + b"\x40\x80\0\0" * 64


def many_scans() -> bytes:
    jpeg = encode(Image.new("L", (2000, 2000), 100), "JPEG", progressive=True)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + scan * 2000 + jpeg[-2:]


TABLE: list[tuple[str, bytes, RefusalReason]] = [
    ("empty", b"", RefusalReason.EMPTY),
    ("too-many-bytes", JPEG + bytes(DECODE_LIMITS.max_bytes), RefusalReason.TOO_MANY_BYTES),
    ("text", b"To whom it may concern,\n" * 50, RefusalReason.NOT_A_PICTURE),
    ("text-that-begins-like-a-bmp", b"BMW sells cars, and this is text. " * 9, RefusalReason.NOT_A_PICTURE),
    ("one-byte", b"\xff", RefusalReason.NOT_A_PICTURE),
    ("zeros", bytes(5000), RefusalReason.NOT_A_PICTURE),
    ("zip", b"PK\x03\x04" + bytes(500), RefusalReason.NOT_A_PICTURE),
    ("svg", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', RefusalReason.UNSUPPORTED_FORMAT),
    ("still-gif", encode(quarters(), "GIF"), RefusalReason.UNSUPPORTED_FORMAT),
    ("pdf", encode(quarters(), "PDF"), RefusalReason.UNSUPPORTED_FORMAT),
    ("psd", b"8BPS\0\1" + bytes(500), RefusalReason.UNSUPPORTED_FORMAT),
    ("jpeg-2000", encode(quarters(), "JPEG2000"), RefusalReason.UNSUPPORTED_FORMAT),
    ("mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(500), RefusalReason.UNSUPPORTED_FORMAT),
    ("raw-of-a-camera", preview_tiff(), RefusalReason.UNSUPPORTED_FORMAT),
    ("run-length-bmp", run_length_bmp(), RefusalReason.UNSUPPORTED_FORMAT),
    ("lab-tiff", encode(Image.new("LAB", (64, 64)), "TIFF"), RefusalReason.UNSUPPORTED_FORMAT),
    ("moving-gif", animated("GIF"), RefusalReason.ANIMATED),
    ("moving-webp", animated("WEBP"), RefusalReason.ANIMATED),
    ("moving-png", animated("PNG"), RefusalReason.ANIMATED),
    ("moving-avif", animated("AVIF"), RefusalReason.ANIMATED),
    ("two-pages", two_pages(), RefusalReason.ANIMATED),
    ("bomb", make_png(60_000, 60_000), RefusalReason.TOO_MANY_PIXELS),
    ("bomb-within-pillows-own-limit", make_png(8_000, 8_000), RefusalReason.TOO_MANY_PIXELS),
    ("too-small", encode(quarters(31, 400), "PNG"), RefusalReason.TOO_SMALL),
    (
        "huge-text-chunk",
        make_grey_png(png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(9 << 20)))),
        RefusalReason.DAMAGED,
    ),
    (
        "huge-profile",
        make_grey_png(png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(9 << 20)))),
        RefusalReason.DAMAGED,
    ),
    ("no-pixels", make_png(64, 64), RefusalReason.DAMAGED),
    ("cut-heic", encode_heic(photograph())[:-500], RefusalReason.DAMAGED),
    ("head-of-a-heic", encode_heic(photograph())[:40], RefusalReason.DAMAGED),
    ("head-of-an-avif", encode(photograph(), "AVIF")[:40], RefusalReason.DAMAGED),
    ("head-of-a-tiff", encode(photograph(), "TIFF", compression="tiff_lzw")[:40], RefusalReason.DAMAGED),
    *(
        (f"{kind}-cut-at-{share:.0%}", data[: int(len(data) * share)], RefusalReason.DAMAGED)
        for kind, data in (("jpeg", JPEG), ("png", PNG), ("webp", WEBP))
        for share in (0.02, 0.1, 0.5, 0.9, 0.98)
    ),
]


@pytest.mark.parametrize(("data", "reason"), [pytest.param(d, r, id=name) for name, d, r in TABLE])
def test_decode_and_thumbnail_refuse_with_the_same_reason(data: bytes, reason: RefusalReason) -> None:
    with pytest.raises(ImageRejected) as refused:
        decode(data, SQUASH)
    assert refused.value.reason is reason
    with pytest.raises(ImageRejected) as refused:
        make_thumbnail(data, 100)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(insert_segment(JPEG, b"\xff\xe1\0\2", times=4_000_000), id="empty-jpeg-segments"),
        pytest.param(insert_segment(JPEG, b"\xff\xe1\0\2" + bytes(16 << 20)), id="junk-in-a-jpeg"),
        pytest.param(make_grey_png(png_chunk(b"abCd", b"") * 1_500_000), id="empty-png-chunks"),
        pytest.param(make_grey_png(png_chunk(b"IDAT", b"") * 1_500_000), id="empty-png-data"),
        pytest.param(many_scans(), id="endless-scans"),
    ],
)
def test_decode_refuses_files_made_to_waste_time(data: bytes) -> None:
    assert len(data) <= DECODE_LIMITS.max_bytes
    with pytest.raises(ImageRejected) as refused:
        decode(data, SQUASH)
    assert refused.value.reason is RefusalReason.UNREADABLE


def test_pixels_are_counted_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(*_args: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", unexpected)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", unexpected)
    with pytest.raises(ImageRejected) as refused:
        decode(make_png(20_000, 20_000), SQUASH)
    assert refused.value.reason is RefusalReason.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), RefusalReason.UNREADABLE),
        (OSError("out of memory when reading image file"), RefusalReason.UNREADABLE),
        (RuntimeError("Memory allocation error"), RefusalReason.UNREADABLE),
        (RuntimeError("Unspecified"), RefusalReason.DAMAGED),
        (SyntaxError("broken"), RefusalReason.DAMAGED),
    ],
)
def test_an_error_inside_a_reader_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: RefusalReason
) -> None:
    def fails(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(Image.Image, "resize", fails)
    with pytest.raises(ImageRejected) as refused:
        decode(JPEG, SQUASH)
    assert refused.value.reason is reason
    assert refused.value.__cause__ is error


def test_check_bytes_refuses_empty_and_large_files() -> None:
    check_bytes(1)
    check_bytes(DECODE_LIMITS.max_bytes)
    for size, reason in ((0, RefusalReason.EMPTY), (DECODE_LIMITS.max_bytes + 1, RefusalReason.TOO_MANY_BYTES)):
        with pytest.raises(ImageRejected) as refused:
            check_bytes(size)
        assert refused.value.reason is reason


@pytest.mark.parametrize("reason", RefusalReason)
def test_describe_says_for_each_reason_what_is_wrong_and_what_to_do(reason: RefusalReason) -> None:
    text = describe(reason)
    assert "lease" in text
    assert text.endswith(".")
    assert text.count(".") >= 2
    assert len({describe(each) for each in RefusalReason}) == len(RefusalReason)
