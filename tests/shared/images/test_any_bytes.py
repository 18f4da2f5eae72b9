"""Any bytes give a picture or a refusal, and nothing else."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.images.decode import DecodedImage, decode
from shared.images.refusal import ImageRejected
from tests.shared.images.files import SQUASH, encoded, exif, heic, photograph, swapped_profile

_SMALL = photograph(80, 60)
_STARTS = (
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"RIFF\0\0\0\0WEBPVP8 ",
    b"\0\0\0\x18ftypheic",
    b"\0\0\0\x18ftypavif",
)
_SOUND = {
    "jpeg": encoded(_SMALL, "JPEG", exif=exif(6), icc_profile=swapped_profile()),
    "progressive": encoded(_SMALL, "JPEG", progressive=True),
    "png": encoded(_SMALL, "PNG", exif=exif(6), icc_profile=swapped_profile()),
    "palette": encoded(_SMALL.quantize(8), "PNG", transparency=3),
    "webp": encoded(_SMALL, "WEBP", exif=exif(6)),
    "tiff": encoded(_SMALL, "TIFF", compression="tiff_lzw"),
    "tiff-plain": encoded(_SMALL, "TIFF"),
    "bmp": encoded(_SMALL, "BMP"),
    "avif": encoded(_SMALL, "AVIF"),
    "heic": heic(_SMALL),
}


def outcome(data: bytes) -> None:
    try:
        found = decode(data, SQUASH)
    except ImageRejected:
        return
    assert isinstance(found, DecodedImage)
    assert found.pixels.shape == (64, 64, 3)
    assert found.pixels.dtype == np.uint8


@settings(max_examples=300, deadline=None)
@given(start=st.sampled_from(_STARTS), rest=st.binary(max_size=300))
def test_random_bytes(start: bytes, rest: bytes) -> None:
    outcome(start + rest)


# Pillow warns about some broken metadata and goes on; the tests make errors of warnings, which would hide what
# a service, where they are warnings, would do with such a file.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", _SOUND)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_pictures(name: str, data: st.DataObject) -> None:
    sound = _SOUND[name]
    mutated = bytearray(sound)
    # Half of the hits go to the header, where the numbers are that readers trust.
    positions = st.one_of(st.integers(0, min(200, len(sound) - 1)), st.integers(0, len(sound) - 1))
    for at, value in data.draw(st.lists(st.tuples(positions, st.integers(0, 255)), max_size=8)):
        mutated[at] = value
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(sound))))
    outcome(bytes(mutated[:cut]))


@pytest.mark.parametrize("name", _SOUND)
def test_sound_pictures(name: str) -> None:
    decode(_SOUND[name], SQUASH)
