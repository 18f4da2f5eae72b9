"""Any bytes give an image or a refusal, and nothing else."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.images.decode import DecodedImage, decode
from shared.images.refusal import ImageRejected
from tests.hypothesis_profiles import examples
from tests.shared.images.files import SQUASH, encode, encode_heic, make_exif, make_swapped_profile, photograph

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
    "jpeg": encode(_SMALL, "JPEG", exif=make_exif(6), icc_profile=make_swapped_profile()),
    "progressive": encode(_SMALL, "JPEG", progressive=True),
    "png": encode(_SMALL, "PNG", exif=make_exif(6), icc_profile=make_swapped_profile()),
    "palette": encode(_SMALL.quantize(8), "PNG", transparency=3),
    "webp": encode(_SMALL, "WEBP", exif=make_exif(6)),
    "tiff": encode(_SMALL, "TIFF", compression="tiff_lzw"),
    "tiff-plain": encode(_SMALL, "TIFF"),
    "bmp": encode(_SMALL, "BMP"),
    "avif": encode(_SMALL, "AVIF"),
    "heic": encode_heic(_SMALL),
}


def assert_decoded_or_rejected(data: bytes) -> None:
    try:
        decoded = decode(data, SQUASH)
    except ImageRejected:
        return
    assert isinstance(decoded, DecodedImage)
    assert decoded.pixels.shape == (64, 64, 3)
    assert decoded.pixels.dtype == np.uint8


@settings(max_examples=examples(300))
@given(start=st.sampled_from(_STARTS), rest=st.binary(max_size=300))
def test_random_bytes(start: bytes, rest: bytes) -> None:
    assert_decoded_or_rejected(start + rest)


# Pillow warns about some broken metadata and continues. The tests turn warnings into errors, which would hide what the
# service does with such a file.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", _SOUND)
@settings(max_examples=examples(120), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_images(name: str, data: st.DataObject) -> None:
    sound = _SOUND[name]
    mutated = bytearray(sound)
    # Half of the changes go to the header, whose numbers readers trust.
    positions = st.one_of(st.integers(0, min(200, len(sound) - 1)), st.integers(0, len(sound) - 1))
    for at, value in data.draw(st.lists(st.tuples(positions, st.integers(0, 255)), max_size=8)):
        mutated[at] = value
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(sound))))
    assert_decoded_or_rejected(bytes(mutated[:cut]))


@pytest.mark.parametrize("name", _SOUND)
def test_sound_images(name: str) -> None:
    decode(_SOUND[name], SQUASH)
