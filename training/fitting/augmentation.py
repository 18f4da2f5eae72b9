"""Augmentation: random changes to training images by Pillow and numpy, which the exported model does not contain.

A lesion has no up or down, so every rotation and reflection is as valid as the original. Light and colours differ
between cameras and surroundings. Sharpness and compression would reveal the source of an image, so both are varied.
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
    """A kind of change to training images."""

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

#: Side of the crop as a share of the image's side, and ratio of the crop's sides.
ZOOM: Final = (0.6, 1.1)
STRETCH: Final = (0.8, 1.25)
#: Maximum shift of the crop's centre, as a share of the image's side.
SHIFT: Final = 0.12
BRIGHTNESS: Final = 0.1
CONTRAST: Final = (0.8, 1.25)
SATURATION: Final = (0.8, 1.25)
#: Gain of each colour channel: the white balance.
GAIN: Final = (0.92, 1.08)
#: Probability that an image loses resolution, and the lowest remaining share of its side.
LOW_RESOLUTION_PROBABILITY: Final = 0.5
MIN_RESOLUTION: Final = 0.35
#: Probability that an image is compressed again, and the range of its JPEG quality.
COMPRESSION_PROBABILITY: Final = 0.3
JPEG_QUALITY: Final = (40, 95)


def augment(
    pixels: Pixels, size: int, rng: np.random.Generator, changes: Set[Augmentation] = ALL_AUGMENTATIONS
) -> Floats:
    """Augment one image.

    Args:
        pixels: The image, uint8 [side, side, 3].
        size: Side of the result.
        rng: Decides all random changes.
        changes: Kinds of changes to make.

    Returns:
        The augmented image, float32 [size, size, 3] in [0, 255].
    """
    image = _warp(pixels, size, rng, changes)
    image = Image.fromarray(_adjust_colour(np.asarray(image, np.float32), rng, changes))
    if Augmentation.RESOLUTION in changes and rng.random() < LOW_RESOLUTION_PROBABILITY:
        image = _reduce_resolution(image, size, rng)
    if Augmentation.ENCODING in changes and rng.random() < COMPRESSION_PROBABILITY:
        image = _compress(image, rng)
    return np.asarray(image, np.float32)


def _sample_log_uniform(bounds: tuple[float, float], rng: np.random.Generator, count: int | None = None) -> Any:
    """Sample log-uniformly, so that halving is as likely as doubling."""
    return np.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1]), count))


def _warp(pixels: Pixels, size: int, rng: np.random.Generator, changes: Set[Augmentation]) -> Image.Image:
    """Rotate, reflect, crop and scale in one resampling. The image is padded by its reflection."""
    side = pixels.shape[0]
    zoom = (_sample_log_uniform(ZOOM, rng) if Augmentation.SCALE in changes else 1.0) * side / size
    stretch = math.sqrt(_sample_log_uniform(STRETCH, rng)) if Augmentation.STRETCH in changes else 1.0
    angle = rng.uniform(0, 2 * math.pi) if Augmentation.ROTATION in changes else 0.0
    mirror = rng.choice((-1, 1)) if Augmentation.FLIP in changes else 1
    shift = rng.uniform(-SHIFT, SHIFT, 2) * side if Augmentation.CROP in changes else np.zeros(2)
    cos, sin = math.cos(angle), math.sin(angle)
    # Maps a point of the result, relative to its centre, to a point of the image, relative to `centre`.
    matrix = np.array(
        [[zoom * stretch * cos * mirror, -zoom / stretch * sin], [zoom * stretch * sin * mirror, zoom / stretch * cos]]
    )
    centre = side / 2 + shift
    reach = np.abs(matrix).sum(axis=1) * size / 2 + 1
    low, high = np.floor(centre - reach).astype(int), np.ceil(centre + reach).astype(int)
    columns, rows = (_reflect_indices(np.arange(low[axis], high[axis]), side) for axis in (0, 1))
    offset = centre - low - matrix.sum(axis=1) * size / 2
    padded = Image.fromarray(pixels[rows][:, columns])
    return padded.transform(
        (size, size), Image.Transform.AFFINE, (*matrix[0], offset[0], *matrix[1], offset[1]), Image.Resampling.BILINEAR
    )


def _reflect_indices(indices: npt.NDArray[np.int64], side: int) -> npt.NDArray[np.int64]:
    """Map indices into an image that is repeated by its reflections to indices in [0, side)."""
    periodic = indices % (2 * side)
    return np.minimum(periodic, 2 * side - 1 - periodic)


def _reduce_resolution(image: Image.Image, size: int, rng: np.random.Generator) -> Image.Image:
    """Shrink the image and enlarge it again, like a copy of low resolution."""
    low_size = max(1, round(size * _sample_log_uniform((MIN_RESOLUTION, 1.0), rng)))
    return image.resize((low_size, low_size), Image.Resampling.BILINEAR).resize((size, size), Image.Resampling.BILINEAR)


def _compress(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Compress the image as a chat or an archive would."""
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
