"""The demo set: lesions and other scenes as JPEG, PNG, WebP and HEIC, in named files."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

from samples.appearance import Appearance, Device, random_appearance
from samples.lesions import render_lesion
from samples.scenes import SCENES

_PHONE, _SCOPE = Device.PHONE, Device.DERMATOSCOPE

_LESIONS: Final[tuple[tuple[str, Appearance], ...]] = (
    ("round-light-skin", Appearance(skin=1, pigment=0.5, radius=0.2, irregularity=0.05)),
    ("network", Appearance(skin=2, network=1.0, pigment=0.7, radius=0.27)),
    ("irregular-many-colours", Appearance(skin=2, irregularity=0.9, pigment=1.2, variegation=0.9, redness=0.4)),
    ("phone-small", Appearance(device=_PHONE, skin=2, radius=0.09, pigment=0.8, irregularity=0.1)),
    ("globules", Appearance(skin=3, dots=40, pigment=0.6, radius=0.26, irregularity=0.15)),
    ("blue-white-veil", Appearance(skin=2, veil=0.9, pigment=1.3, variegation=0.6, irregularity=0.6, radius=0.3)),
    (
        "irregular-dark-skin-hair",
        Appearance(skin=6, irregularity=0.8, pigment=1.3, hairs=14, radius=0.28, variegation=0.7),
    ),
    ("phone-dark-skin", Appearance(device=_PHONE, skin=5, radius=0.16, pigment=0.9)),
    ("hairy", Appearance(device=_PHONE, skin=3, hairs=28, radius=0.18, pigment=0.7)),
    ("round-field", Appearance(skin=2, round_field=True, radius=0.24, network=0.6)),
    ("pale-hazy", Appearance(skin=1, pigment=0.3, softness=0.3, radius=0.25)),
    ("phone-blurred", Appearance(device=_PHONE, skin=3, blur=0.02, radius=0.18)),
    ("phone-dark-picture", Appearance(device=_PHONE, skin=3, exposure=0.18, radius=0.18)),
    ("phone-burnt-out", Appearance(device=_PHONE, skin=1, exposure=1.5, radius=0.18)),
    ("black-knob", Appearance(skin=4, pigment=1.8, variegation=0.1, softness=0.03, radius=0.18)),
    ("phone-irregular", Appearance(device=_PHONE, skin=3, irregularity=0.8, variegation=0.8, pigment=1.1, radius=0.2)),
    ("red", Appearance(skin=2, pigment=0.25, redness=0.9, radius=0.2, irregularity=0.3)),
    ("large-uneven", Appearance(skin=4, radius=0.38, irregularity=0.6, variegation=0.9, network=0.5)),
)


def render_samples(directory: Path, count: int = 24, seed: int = 1) -> list[Path]:
    """Write `count` images into `directory`, which is created if missing; returns their paths in order.

    The first 18 show lesions, the next ones other scenes, further ones random lesions. Most are JPEG; one is PNG, one
    WebP, one HEIC, and one a JPEG that is rotated by its EXIF orientation. An image depends on `seed` and its index
    alone, not on `count`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        name, image = _render(rng, index)
        path = directory / f"{index + 1:02d}-{name}{_SUFFIXES.get(index, '.jpg')}"
        _WRITERS.get(path.suffix, _write)(image, path, index == _SIDEWAYS_INDEX)
        paths.append(path)
    return paths


def _render(rng: np.random.Generator, index: int) -> tuple[str, Image.Image]:
    width, height = _SIZES[index % len(_SIZES)]
    if index < len(_LESIONS):
        name, appearance = _LESIONS[index]
        return name, render_lesion(rng, width, height, appearance)
    scenes = list(SCENES.items())
    if index < len(_LESIONS) + len(scenes):
        name, scene = scenes[index - len(_LESIONS)]
        return name, scene(rng, width, height)
    return "lesion", render_lesion(rng, width, height, random_appearance(rng))


def _write(image: Image.Image, path: Path, sideways: bool) -> None:
    exif = Image.Exif()
    if sideways:
        # As a phone does: the pixels in the order of the sensor, and a tag that rotates them by 90 degrees clockwise.
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[ExifTags.Base.Orientation] = 6
    image.save(path, quality=90, exif=exif)


def _write_heic(image: Image.Image, path: Path, _sideways: bool) -> None:
    # The default preset takes ten times as long, and the file is not much smaller.
    pillow_heif.from_pillow(image).save(path, quality=70, enc_params={"preset": "ultrafast"})


_SIZES: Final = ((1024, 768), (1280, 960), (900, 1200), (1600, 1200))
_SUFFIXES: Final = {4: ".png", 8: ".webp", 15: ".heic"}
#: Index of the image with an EXIF orientation.
_SIDEWAYS_INDEX: Final = 7
_WRITERS: Final[dict[str, Callable[[Image.Image, Path, bool], None]]] = {".heic": _write_heic}
