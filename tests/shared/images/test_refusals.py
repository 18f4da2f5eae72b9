"""Whatever is no photograph is refused, with the reason a person can act on, and soon."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageStat, TiffImagePlugin

from shared.contract.decision import RefusalReason
from shared.images.decode import decode
from shared.images.limits import DECODE_LIMITS
from shared.images.refusal import ImageRejected, check_bytes, describe
from shared.images.thumbnail import load_halved, make_thumbnail
from tests.shared.images.files import (
    SQUASH,
    chunk,
    encoded,
    exif,
    grey_png,
    heic,
    photograph,
    png,
    quarters,
    turned,
    with_segment,
)

JPEG = encoded(photograph(), "JPEG")
PNG = encoded(photograph(), "PNG")
WEBP = encoded(photograph(), "WEBP")
FRAMES = [photograph(seed=seed) for seed in range(3)]


def moving(kind: str) -> bytes:
    return encoded(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:], duration=80)


def two_pages() -> bytes:
    return encoded(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:2])


def preview_tiff() -> bytes:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[254] = 1
    return encoded(photograph(), "TIFF", tiffinfo=tags)


def run_length_bmp() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 64, 64, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 2000, 0, 0, 54 + 1024) + header + bytes(1024) + b"\x40\x80\0\0" * 64


def many_scans() -> bytes:
    jpeg = encoded(Image.new("L", (2000, 2000), 100), "JPEG", progressive=True)
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
    ("still-gif", encoded(quarters(), "GIF"), RefusalReason.UNSUPPORTED_FORMAT),
    ("pdf", encoded(quarters(), "PDF"), RefusalReason.UNSUPPORTED_FORMAT),
    ("psd", b"8BPS\0\1" + bytes(500), RefusalReason.UNSUPPORTED_FORMAT),
    ("jpeg-2000", encoded(quarters(), "JPEG2000"), RefusalReason.UNSUPPORTED_FORMAT),
    ("mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(500), RefusalReason.UNSUPPORTED_FORMAT),
    ("raw-of-a-camera", preview_tiff(), RefusalReason.UNSUPPORTED_FORMAT),
    ("run-length-bmp", run_length_bmp(), RefusalReason.UNSUPPORTED_FORMAT),
    ("lab-tiff", encoded(Image.new("LAB", (64, 64)), "TIFF"), RefusalReason.UNSUPPORTED_FORMAT),
    ("moving-gif", moving("GIF"), RefusalReason.ANIMATED),
    ("moving-webp", moving("WEBP"), RefusalReason.ANIMATED),
    ("moving-png", moving("PNG"), RefusalReason.ANIMATED),
    ("moving-avif", moving("AVIF"), RefusalReason.ANIMATED),
    ("two-pages", two_pages(), RefusalReason.ANIMATED),
    ("bomb", png(60_000, 60_000), RefusalReason.TOO_MANY_PIXELS),
    ("bomb-within-pillows-own-limit", png(8_000, 8_000), RefusalReason.TOO_MANY_PIXELS),
    ("too-small", encoded(quarters(31, 400), "PNG"), RefusalReason.TOO_SMALL),
    ("huge-text-chunk", grey_png(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(9 << 20)))), RefusalReason.DAMAGED),
    ("huge-profile", grey_png(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(9 << 20)))), RefusalReason.DAMAGED),
    ("no-pixels", png(64, 64), RefusalReason.DAMAGED),
    ("cut-heic", heic(photograph())[:-500], RefusalReason.DAMAGED),
    ("head-of-a-heic", heic(photograph())[:40], RefusalReason.DAMAGED),
    ("head-of-an-avif", encoded(photograph(), "AVIF")[:40], RefusalReason.DAMAGED),
    ("head-of-a-tiff", encoded(photograph(), "TIFF", compression="tiff_lzw")[:40], RefusalReason.DAMAGED),
    *(
        (f"{kind}-cut-at-{share:.0%}", data[: int(len(data) * share)], RefusalReason.DAMAGED)
        for kind, data in (("jpeg", JPEG), ("png", PNG), ("webp", WEBP))
        for share in (0.02, 0.1, 0.5, 0.9, 0.98)
    ),
]


@pytest.mark.parametrize(("data", "reason"), [pytest.param(d, r, id=name) for name, d, r in TABLE])
def test_refused_with_its_reason(data: bytes, reason: RefusalReason) -> None:
    with pytest.raises(ImageRejected) as refused:
        decode(data, SQUASH)
    assert refused.value.reason is reason
    with pytest.raises(ImageRejected) as refused:
        make_thumbnail(data, 100)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(with_segment(JPEG, b"\xff\xe1\0\2", times=4_000_000), id="empty-jpeg-segments"),
        pytest.param(with_segment(JPEG, b"\xff\xe1\0\2" + bytes(16 << 20)), id="junk-in-a-jpeg"),
        pytest.param(grey_png(chunk(b"abCd", b"") * 1_500_000), id="empty-png-chunks"),
        pytest.param(grey_png(chunk(b"IDAT", b"") * 1_500_000), id="empty-png-data"),
        pytest.param(many_scans(), id="endless-scans"),
    ],
)
def test_files_made_to_waste_time_are_refused(data: bytes) -> None:
    assert len(data) <= DECODE_LIMITS.max_bytes
    with pytest.raises(ImageRejected) as refused:
        decode(data, SQUASH)
    assert refused.value.reason is RefusalReason.DAMAGED


def test_pixels_are_counted_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def unexpected(*_args: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", unexpected)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", unexpected)
    with pytest.raises(ImageRejected) as refused:
        decode(png(20_000, 20_000), SQUASH)
    assert refused.value.reason is RefusalReason.TOO_MANY_PIXELS


def test_a_bug_of_a_reader_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: object, **_options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "resize", fails)
    with pytest.raises(ImageRejected) as refused:
        decode(JPEG, SQUASH)
    assert refused.value.reason is RefusalReason.DAMAGED
    assert isinstance(refused.value.__cause__, MemoryError)


def test_the_cheap_check() -> None:
    check_bytes(1)
    check_bytes(DECODE_LIMITS.max_bytes)
    for size, reason in ((0, RefusalReason.EMPTY), (DECODE_LIMITS.max_bytes + 1, RefusalReason.TOO_MANY_BYTES)):
        with pytest.raises(ImageRejected) as refused:
            check_bytes(size)
        assert refused.value.reason is reason


@pytest.mark.parametrize("reason", RefusalReason)
def test_each_reason_says_what_is_wrong_and_what_to_do(reason: RefusalReason) -> None:
    text = describe(reason)
    assert "lease" in text
    assert text.endswith(".")
    assert text.count(".") >= 2
    assert len({describe(each) for each in RefusalReason}) == len(RefusalReason)


def test_a_thumbnail_is_upright_small_and_without_metadata() -> None:
    small = make_thumbnail(encoded(turned(quarters(), 6), "JPEG", exif=exif(6)), 90)
    assert small.mode == "RGB"
    assert small.size == (90, 60)
    assert small.info == {}
    assert make_thumbnail(encoded(quarters(), "PNG"), 9000).size == (240, 160)
    out = BytesIO()
    small.save(out, "JPEG")
    assert b"Jane" not in out.getvalue()


@pytest.mark.parametrize(("side", "size"), [(240, (240, 160)), (239, (120, 80)), (60, (60, 40)), (29, (29, 20))])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_is_halved_until_it_is_small_enough(kind: str, side: int, size: tuple[int, int]) -> None:
    small = load_halved(encoded(turned(quarters(), 6), kind, exif=exif(6)), side)
    assert small.size == size
    assert small.mode == "RGB"
    assert small.info == {}
    # The same picture as by a filter of any size.
    other = make_thumbnail(encoded(quarters(), "PNG"), side).resize(size)
    assert max(ImageStat.Stat(ImageChops.difference(small, other)).mean) < 8
