"""Small copies are upright, of the right size, and without metadata."""

from io import BytesIO

import pytest
from PIL import ImageChops, ImageStat

from shared.images.thumbnail import load_halved, make_thumbnail
from tests.shared.images.files import encode, make_exif, quarters, store_rotated


def test_make_thumbnail_is_upright_small_and_without_metadata() -> None:
    small = make_thumbnail(encode(store_rotated(quarters(), 6), "JPEG", exif=make_exif(6)), 90)
    assert small.mode == "RGB"
    assert small.size == (90, 60)
    assert small.info == {}
    assert make_thumbnail(encode(quarters(), "PNG"), 9000).size == (240, 160)
    out = BytesIO()
    small.save(out, "JPEG")
    assert b"Jane" not in out.getvalue()


@pytest.mark.parametrize(("side", "size"), [(240, (240, 160)), (239, (120, 80)), (60, (60, 40)), (29, (29, 20))])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_load_halved_halves_until_the_image_is_small_enough(kind: str, side: int, size: tuple[int, int]) -> None:
    small = load_halved(encode(store_rotated(quarters(), 6), kind, exif=make_exif(6)), side)
    assert small.size == size
    assert small.mode == "RGB"
    assert small.info == {}
    # The same image as from the filter that allows any size.
    other = make_thumbnail(encode(quarters(), "PNG"), side).resize(size)
    assert max(ImageStat.Stat(ImageChops.difference(small, other)).mean) < 8
