"""Random changes to training pictures, by Pillow and numpy. Never a part of the exported model.

A lesion has no up or down, so any rotation and mirroring is as good as the original. The light and the
camera's colour differ from place to place. How sharp a picture is, and how it was compressed, tells where a copy
of it came from, so resolution and compression are made to say nothing.
"""

import io
import math
from collections.abc import Set
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.data.image_cache import Pixels

Floats = npt.NDArray[np.float32]


class Augmentation(StrEnum):
    """What may be changed in a training picture."""

    CROP = "crop"
    SCALE = "scale"
    STRETCH = "stretch"
    ROTATION = "rotation"
    FLIP = "flip"
    BRIGHTNESS = "brightness"
    CONTRAST = "contrast"
    SATURATION = "saturation"
    WHITE_BALANCE = "white_balance"
    RESOLUTION = "resolution"
    ENCODING = "encoding"


ALL_AUGMENTATIONS: Final = frozenset(Augmentation)

#: Side of the crop as a share of the picture's side, and ratio of the crop's sides.
ZOOM: Final = (0.6, 1.1)
STRETCH: Final = (0.8, 1.25)
#: Largest shift of the crop's centre, as a share of the picture's side.
SHIFT: Final = 0.12
BRIGHTNESS: Final = 0.1
CONTRAST: Final = (0.8, 1.25)
SATURATION: Final = (0.8, 1.25)
#: Each colour channel's own gain: the white balance.
GAIN: Final = (0.92, 1.08)
#: Share of pictures that lose resolution, and the lowest share of the side that is left.
LOW_RESOLUTION_PROBABILITY: Final = 0.5
MIN_RESOLUTION: Final = 0.35
#: Share of pictures that are compressed again, and the qualities of the JPEG.
COMPRESSION_PROBABILITY: Final = 0.3
JPEG_QUALITY: Final = (40, 95)


def augment(
    picture: Pixels, size: int, rng: np.random.Generator, changes: Set[Augmentation] = ALL_AUGMENTATIONS
) -> Floats:
    """Change one picture uint8 [side, side, 3] to float32 [size, size, 3] in [0, 255]; `rng` decides everything."""
    image = _warp(picture, size, rng, changes)
    image = Image.fromarray(_adjust_colour(np.asarray(image, np.float32), rng, changes))
    if Augmentation.RESOLUTION in changes and rng.random() < LOW_RESOLUTION_PROBABILITY:
        image = _reduce_resolution(image, size, rng)
    if Augmentation.ENCODING in changes and rng.random() < COMPRESSION_PROBABILITY:
        image = _compress(image, rng)
    return np.asarray(image, np.float32)


def _sample_log_uniform(low_high: tuple[float, float], rng: np.random.Generator, count: int | None = None) -> Any:
    """Log-uniform, so that halving is as likely as doubling."""
    return np.exp(rng.uniform(math.log(low_high[0]), math.log(low_high[1]), count))


def _warp(picture: Pixels, size: int, rng: np.random.Generator, changes: Set[Augmentation]) -> Image.Image:
    """Rotate, mirror, crop and scale in one resampling. Outside the picture its mirror image is seen."""
    side = picture.shape[0]
    zoom = (_sample_log_uniform(ZOOM, rng) if Augmentation.SCALE in changes else 1.0) * side / size
    stretch = math.sqrt(_sample_log_uniform(STRETCH, rng)) if Augmentation.STRETCH in changes else 1.0
    angle = rng.uniform(0, 2 * math.pi) if Augmentation.ROTATION in changes else 0.0
    mirror = rng.choice((-1, 1)) if Augmentation.FLIP in changes else 1
    shift = rng.uniform(-SHIFT, SHIFT, 2) * side if Augmentation.CROP in changes else np.zeros(2)
    cos, sin = math.cos(angle), math.sin(angle)
    # From a point of the result, seen from its centre, to a point of the picture, seen from its corner.
    turn = np.array(
        [[zoom * stretch * cos * mirror, -zoom / stretch * sin], [zoom * stretch * sin * mirror, zoom / stretch * cos]]
    )
    centre = side / 2 + shift
    reach = np.abs(turn).sum(axis=1) * size / 2 + 1
    low, high = np.floor(centre - reach).astype(int), np.ceil(centre + reach).astype(int)
    columns, rows = (_reflect_indices(np.arange(low[axis], high[axis]), side) for axis in (0, 1))
    corner = centre - low - turn.sum(axis=1) * size / 2
    seen = Image.fromarray(picture[rows][:, columns])
    return seen.transform(
        (size, size), Image.Transform.AFFINE, (*turn[0], corner[0], *turn[1], corner[1]), Image.Resampling.BILINEAR
    )


def _reflect_indices(index: npt.NDArray[np.int64], side: int) -> npt.NDArray[np.int64]:
    """Where in [0, side) an index lies when the picture is continued by its mirror images."""
    around = index % (2 * side)
    return np.minimum(around, 2 * side - 1 - around)


def _reduce_resolution(image: Image.Image, size: int, rng: np.random.Generator) -> Image.Image:
    """Shrink and enlarge again, as a copy of low resolution would be."""
    small = max(1, round(size * _sample_log_uniform((MIN_RESOLUTION, 1.0), rng)))
    return image.resize((small, small), Image.Resampling.BILINEAR).resize((size, size), Image.Resampling.BILINEAR)


def _compress(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Compress as a chat or an archive would."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=int(rng.integers(*JPEG_QUALITY, endpoint=True)))
    return Image.open(stream)


def _adjust_colour(x: Floats, rng: np.random.Generator, changes: Set[Augmentation]) -> Pixels:
    """Change the light, the contrast, the saturation and the white balance."""
    if Augmentation.WHITE_BALANCE in changes:
        x = x * _sample_log_uniform(GAIN, rng, 3).astype(np.float32)
    if Augmentation.BRIGHTNESS in changes:
        x = x + np.float32(rng.uniform(-BRIGHTNESS, BRIGHTNESS) * 255)
    if Augmentation.CONTRAST in changes:
        mean = x.mean()
        x = mean + (x - mean) * np.float32(_sample_log_uniform(CONTRAST, rng))
    if Augmentation.SATURATION in changes:
        grey = x.mean(axis=-1, keepdims=True)
        x = grey + (x - grey) * np.float32(_sample_log_uniform(SATURATION, rng))
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)
