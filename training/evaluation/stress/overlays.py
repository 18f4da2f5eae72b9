"""Draws what real images show on or around lesions: pen marks, a ruler, dark corners, hair.

Each function takes an upright RGB image and a random generator, and returns a new image. Lengths are shares of the
shorter side.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

_INK: Final = (70, 40, 140)
_HAIR: Final = (45, 32, 28)
_RULER: Final = (238, 236, 228)
_TICKS: Final = (40, 40, 40)
#: Lines are drawn this many times larger and then shrunk, as Pillow draws hard edges.
_OVERSAMPLING: Final = 3

Points = list[tuple[float, float]]


def draw_pen(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw a surgeon's violet arc around the middle, with a tick."""
    side = min(image.size)
    radius, start = side * rng.uniform(0.34, 0.42), rng.uniform(0, 2 * math.pi)
    angles = np.linspace(start, start + rng.uniform(1.8, 3.5), 40)
    wobble = 1 + 0.02 * rng.normal(size=len(angles)).cumsum() / math.sqrt(len(angles))
    middle = (image.width / 2, image.height / 2)
    arc: Points = [
        (middle[0] + radius * w * math.cos(a), middle[1] + radius * w * math.sin(a))
        for a, w in zip(angles, wobble, strict=True)
    ]
    end = (arc[0][0] + side * 0.08 * math.cos(start), arc[0][1] + side * 0.08 * math.sin(start))
    return _draw_lines(image, [arc, [arc[0], end]], _INK, width=side * 0.022, opacity=0.75)


def draw_ruler(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw a white ruler with millimetre ticks along one edge, over a seventh of the image."""
    turns = int(rng.integers(4))
    turned = image.rotate(90 * turns, expand=True)
    depth, step = turned.height / 7, turned.width / 30
    canvas = turned.copy()
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, turned.height - depth, turned.width, turned.height), fill=_RULER)
    for index in range(31):
        length = depth * (0.55 if index % 5 == 0 else 0.3)
        x, y = index * step, turned.height - depth
        draw.line((x, y, x, y + length), fill=_TICKS, width=max(1, round(min(image.size) * 0.004)))
    return canvas.rotate(-90 * turns, expand=True)


def draw_dark_corners(image: Image.Image, _: np.random.Generator) -> Image.Image:
    """Draw the black frame around a dermatoscope's round field of view."""
    radius, soft = 0.54, 0.015
    y, x = np.mgrid[-0.5 : 0.5 : image.height * 1j, -0.5 : 0.5 : image.width * 1j]
    visible = ((radius - np.hypot(x, y)) / soft).clip(0, 1)[..., None]
    return Image.fromarray((np.asarray(image) * visible).astype(np.uint8))


def draw_hair(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw twenty-five dark, bent hairs in about the same direction."""
    side, direction = min(image.size), rng.uniform(0, math.pi)
    hairs: list[Points] = []
    for _ in range(25):
        middle = rng.uniform(0, 1, 2) * image.size
        length, bend = side * rng.uniform(0.2, 0.5), rng.normal(0, 0.8)
        steps = np.linspace(-0.5, 0.5, 16)
        angles = direction + rng.normal(0, 0.35) + bend * steps
        path = middle + np.cumsum(np.stack([np.cos(angles), np.sin(angles)], axis=1) * length / len(steps), axis=0)
        hairs.append([(float(x), float(y)) for x, y in path])
    return _draw_lines(image, hairs, _HAIR, width=side * 0.007, opacity=0.85)


def _draw_lines(
    image: Image.Image, lines: list[Points], colour: tuple[int, int, int], width: float, opacity: float
) -> Image.Image:
    """Draw lines over an image, `width` pixels wide, through which the skin stays visible."""
    mask = Image.new("L", (image.width * _OVERSAMPLING, image.height * _OVERSAMPLING))
    draw = ImageDraw.Draw(mask)
    for line in lines:
        enlarged = [(x * _OVERSAMPLING, y * _OVERSAMPLING) for x, y in line]
        draw.line(enlarged, fill=255, width=max(1, round(width * _OVERSAMPLING)), joint="curve")
    small = mask.resize(image.size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.6))
    coverage: npt.NDArray[np.floating] = np.asarray(small, np.float32)[..., None] / 255 * opacity
    # Blended, not replaced: the texture of the skin remains visible through ink.
    blended = np.asarray(image, np.float32) * (1 - coverage) + coverage * np.array(colour, np.float32)
    return Image.fromarray(blended.clip(0, 255).astype(np.uint8))
