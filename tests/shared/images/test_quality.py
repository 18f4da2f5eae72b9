"""Blurred, dark, bright and small images get advice; good ones get none."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from samples.appearance import Appearance, Device
from samples.lesions import render_lesion
from shared.contract.decision import Advice
from shared.images.decode import decode
from shared.images.preprocessing import Aspect, Filter, PreprocessingSpec
from shared.images.quality import sharpness
from tests.shared.images.files import encode

MODEL = PreprocessingSpec(size=224, filter=Filter.BILINEAR, aspect=Aspect.SQUASH)


def lesion(seed: int, **appearance: object) -> Image.Image:
    return render_lesion(np.random.default_rng(seed), 640, 480, Appearance(**appearance))  # type: ignore[arg-type]


def advice_for(image: Image.Image, preprocessing: PreprocessingSpec = MODEL) -> tuple[Advice, ...]:
    return decode(encode(image, "JPEG", quality=90), preprocessing).advice


@pytest.mark.parametrize("skin", range(1, 7))
@pytest.mark.parametrize("device", Device)
def test_good_images_of_any_skin_get_no_advice(skin: int, device: Device) -> None:
    assert advice_for(lesion(skin, skin=skin, device=device)) == ()


@pytest.mark.parametrize("skin", range(1, 7))
def test_blurred_images_are_reported(skin: int) -> None:
    image = lesion(skin, skin=skin, network=0.8, hairs=5)
    assert advice_for(image) == ()
    assert advice_for(image.filter(ImageFilter.GaussianBlur(8))) == (Advice.BLURRED,)


@pytest.mark.parametrize("size", [96, 160, 384])
def test_blur_is_reported_at_any_model_size(size: int) -> None:
    preprocessing = PreprocessingSpec(size=size, filter=Filter.BICUBIC, aspect=Aspect.CENTRE)
    image = lesion(1)
    assert advice_for(image, preprocessing) == ()
    assert advice_for(image.filter(ImageFilter.GaussianBlur(10)), preprocessing) == (Advice.BLURRED,)


def test_dark_images_are_reported() -> None:
    assert Advice.DARK in advice_for(lesion(1, skin=3, exposure=0.2))


def test_bright_images_are_reported() -> None:
    assert Advice.BRIGHT in advice_for(lesion(1, skin=1, exposure=1.6))


def test_small_images_are_reported() -> None:
    assert Advice.SMALL in advice_for(lesion(1).resize((300, 223)))
    assert Advice.SMALL not in advice_for(lesion(1).resize((300, 224)))


def test_sharpness_of_known_images() -> None:
    ramp = np.tile(np.arange(200, dtype=np.uint8), (200, 1))
    assert sharpness(ramp) == pytest.approx(0.25)
    assert sharpness(np.full((50, 50), 7, np.uint8)) == 1.0
    grain = np.random.default_rng(1).integers(0, 256, (200, 200), np.uint8)
    assert sharpness(grain) == pytest.approx(0.5**0.5, abs=0.02)
    assert sharpness(grain // 4) == pytest.approx(sharpness(grain), abs=0.02)  # contrast does not count
