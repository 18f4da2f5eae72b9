"""Draws a stock of overlays: what real images show on or around lesions, in many variants.

An overlay is a transparent image. Its colours are multiplied by its opacity, so that it can be resampled.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

#: Side of an overlay.
SIDE: Final = 256
HAIR_COUNT: Final = 160
MARK_COUNT: Final = 96
#: Lines are drawn this many times larger and then shrunk, as Pillow draws hard edges.
_OVERSAMPLING: Final = 3
_CANVAS: Final = SIDE * _OVERSAMPLING

#: Uint8 [n, side, side, 4].
Overlays = npt.NDArray[np.uint8]
_Colour = tuple[int, int, int]

_HAIR_COLOURS: Final = ((25, 18, 15), (45, 32, 28), (70, 45, 30), (110, 80, 55), (150, 150, 150), (200, 175, 130))
_INK_COLOURS: Final = ((70, 40, 140), (40, 40, 160), (25, 25, 60), (110, 40, 120), (20, 90, 90))


def draw_stock(seed: int) -> Overlays:
    """Draw the stock: first `HAIR_COUNT` overlays of hair, then `MARK_COUNT` of rulers and pen marks."""
    hair = [_draw(_draw_hair, np.random.default_rng((seed, 0, number))) for number in range(HAIR_COUNT)]
    draw_marks = (_draw_ruler, _draw_scale, _draw_pen, _draw_pen)
    marks = [
        _draw(draw_marks[number % len(draw_marks)], np.random.default_rng((seed, 1, number)))
        for number in range(MARK_COUNT)
    ]
    return np.stack([*hair, *marks])


def _draw(draw: Callable[[ImageDraw.ImageDraw, np.random.Generator], None], rng: np.random.Generator) -> Overlays:
    canvas = Image.new("RGBA", (_CANVAS, _CANVAS))
    draw(ImageDraw.Draw(canvas), rng)
    # Shrinking an RGBA image, Pillow multiplies the colours by the opacity and divides them again.
    small = canvas.resize((SIDE, SIDE), Image.Resampling.BOX)
    small = small.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.9)))
    pixels = np.array(small, np.float32)
    pixels[..., :3] *= pixels[..., 3:] / 255
    return np.rint(pixels).astype(np.uint8)


def _draw_hair(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Draw hairs in about the same direction, from a few long ones to many short ones."""
    direction, spread = rng.uniform(0, math.pi), rng.uniform(0.1, 1.0)
    colour, width = _HAIR_COLOURS[rng.integers(len(_HAIR_COLOURS))], rng.uniform(0.003, 0.011)
    opacity = rng.uniform(0.6, 1.0)
    for _ in range(int(np.exp(rng.uniform(math.log(3), math.log(60))))):
        length, bend = rng.uniform(0.1, 0.7) * _CANVAS, rng.normal(0, 0.8)
        steps = np.linspace(-0.5, 0.5, 14)
        angles = direction + rng.normal(0, spread) + bend * steps
        path = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], axis=1) * length / len(steps), axis=0)
        path += rng.uniform(-0.1, 1.1, 2) * _CANVAS - path[len(path) // 2]
        shade = rng.uniform(0.7, 1.2)
        fill = (*(min(255, round(part * shade)) for part in colour), round(255 * opacity))
        _draw_line(draw, path, fill, width * rng.uniform(0.6, 1.4))


def _draw_ruler(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Draw a light ruler with dark ticks along one edge."""
    depth, step = rng.uniform(0.06, 0.2) * _CANVAS, _CANVAS / rng.uniform(14, 45)
    top = _CANVAS - depth
    background = tuple(int(part) for part in rng.uniform(205, 252) - rng.uniform(0, 14, 3))
    draw.rectangle((0, top, _CANVAS, _CANVAS), fill=(*background, int(rng.uniform(200, 255))))
    _draw_ticks(draw, rng, top, depth, step, (40, 40, 40, 255))


def _draw_scale(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Draw ticks on the skin, as those that are etched into a dermatoscope's glass."""
    step, top = _CANVAS / rng.uniform(10, 40), rng.uniform(0.55, 0.95) * _CANVAS
    grey = int(rng.choice((15, 60, 230)))
    colour = (grey, grey, grey, int(rng.uniform(150, 255)))
    if rng.random() < 0.5:
        _draw_line(draw, np.array([[0, top], [_CANVAS, top]]), colour, 0.004)
    _draw_ticks(draw, rng, top, rng.uniform(0.04, 0.12) * _CANVAS, step, colour)


def _draw_ticks(
    draw: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    top: float,
    depth: float,
    step: float,
    colour: tuple[int, int, int, int],
) -> None:
    width, offset = rng.uniform(0.002, 0.007), rng.uniform(0, step)
    for index in range(math.ceil(_CANVAS / step)):
        x, length = offset + index * step, depth * (0.6 if index % 5 == 0 else 0.35)
        _draw_line(draw, np.array([[x, top], [x, top + length]]), colour, width)
        if index % 10 == 0:
            draw.text((x, top + depth * 0.62), str(index // 10), fill=colour, font_size=max(8, depth * 0.35))


def _draw_pen(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Draw a surgeon's marks around the middle: an arc, dots or strokes."""
    ink = _INK_COLOURS[rng.integers(len(_INK_COLOURS))]
    colour = (*ink, round(255 * rng.uniform(0.45, 0.95)))
    radius, start = rng.uniform(0.28, 0.5), rng.uniform(0, 2 * math.pi)
    angles = np.linspace(start, start + rng.uniform(0.5, 6.2), 40)
    wobble = 1 + 0.03 * rng.normal(size=len(angles)).cumsum() / math.sqrt(len(angles))
    arc = (0.5 + radius * (wobble * np.stack([np.cos(angles), np.sin(angles)]))).T * _CANVAS
    width, style = rng.uniform(0.008, 0.035), rng.integers(3)
    if style == 0:
        _draw_line(draw, arc, colour, width)
    for x, y in arc[:: int(rng.integers(5, 14))] if style == 1 else ():
        half = width * _CANVAS * 0.8
        draw.ellipse((x - half, y - half, x + half, y + half), fill=colour)
    for x, y in arc[::10]:
        if style == 2 or rng.random() < 0.2:
            end = 0.5 * _CANVAS + (np.array((x, y)) - 0.5 * _CANVAS) * rng.uniform(1.1, 1.6)
            _draw_line(draw, np.array([[x, y], end]), colour, width)


def _draw_line(
    draw: ImageDraw.ImageDraw, points: npt.NDArray[np.floating], colour: tuple[int, ...], width: float
) -> None:
    flat = [(float(x), float(y)) for x, y in points]
    draw.line(flat, fill=colour, width=max(1, round(width * _CANVAS)), joint="curve")
