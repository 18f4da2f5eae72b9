"""Renders lesions on skin, with the shapes, colours and disturbances of photographs but without medical truth.

Colours come from absorption: pigment multiplies the colour of the skin by exp(-amount x absorption). So more melanin
turns beige into brown and black, and blood turns it red.
"""

from math import cos, hypot, sin, tau
from typing import Final

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from samples.appearance import Appearance, Device, random_appearance
from samples.noise import Field, resize_field, smooth_noise

# sRGB of the inner forearm for Fitzpatrick I to VI, chosen by eye.
_SKIN_RGB: Final = ((238, 205, 188), (228, 186, 163), (208, 160, 131), (176, 125, 95), (134, 92, 69), (98, 67, 53))
# Relative absorption in red, green and blue: melanin takes blue first, blood takes green and blue.
_MELANIN: Final = (0.75, 1.25, 1.6)
_BLOOD: Final = (0.12, 0.75, 0.6)
_VEIL_RGB: Final = (112, 122, 150)
# Pixels of the shorter side at which the lesion is rendered; only noise and hair are finer.
_WORK_SIDE: Final = 384
# Side in pixels of the tile of noise that is repeated over an image.
_NOISE_TILE: Final = 256


def render_lesion(
    rng: np.random.Generator, width: int, height: int, appearance: Appearance | None = None
) -> Image.Image:
    """Render an RGB image of `width` x `height` pixels, by default with a random appearance.

    The same state of `rng` renders the same image.
    """
    appearance = random_appearance(rng) if appearance is None else appearance
    scale = min(1.0, _WORK_SIDE / min(width, height))
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    skin = render_skin(rng, rows, columns, appearance)
    colour = _add_lesion(rng, skin, appearance)
    colour *= _illumination(rng, rows, columns, appearance)[..., None] * appearance.exposure
    image = Image.fromarray(colour.clip(0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    image = _add_hairs(rng, image, appearance)
    if appearance.blur:
        image = image.filter(ImageFilter.GaussianBlur(appearance.blur * min(width, height)))
    if appearance.round_field:
        image = _add_round_field(image)
    return add_grain(rng, image, 3.0 if appearance.device is Device.DERMATOSCOPE else 4.5)


def render_skin(rng: np.random.Generator, rows: int, columns: int, appearance: Appearance) -> Field:
    """Render bare skin, float32 [rows, columns, 3] of 0 to 255, before illumination and camera."""
    base = np.array(_SKIN_RGB[appearance.skin - 1], np.float32)
    if appearance.device is Device.DERMATOSCOPE:
        # A dermatoscope touches the skin and has its own lamp, so skin looks brighter, pinker and flatter.
        base = base * 0.9 + np.array((236, 190, 182), np.float32) * 0.1
    blood = 0.035 * smooth_noise(rng, rows, columns, 3, 3) + 0.02 * smooth_noise(rng, rows, columns, 60)
    melanin = 0.016 * smooth_noise(rng, rows, columns, 4, 3) + 0.018 * smooth_noise(rng, rows, columns, 90)
    if appearance.device is Device.PHONE:
        melanin += 0.07 * _creases(rng, rows, columns)
        for _ in range(int(rng.integers(0, 9))):  # freckles
            melanin += rng.uniform(0.1, 0.4) * _spot(rng, rows, columns, rng.uniform(0.006, 0.014))
    else:
        melanin += 0.035 * _creases(rng, rows, columns)
    return base * _transmit(melanin, blood)


def add_grain(rng: np.random.Generator, image: Image.Image, strength: float) -> Image.Image:
    """Add sensor noise, half grey and half coloured. `strength` is its standard deviation, on the scale of 0 to 255."""
    # Repeating a tile of noise looks the same as fresh noise everywhere, and is ten times faster.
    tile = rng.standard_normal((_NOISE_TILE, _NOISE_TILE, 3), np.float32) + rng.standard_normal(
        (_NOISE_TILE, _NOISE_TILE, 1), np.float32
    )
    shifted = (128.5 + tile * (strength / 2**0.5)).clip(0, 255).astype(np.uint8)
    width, height = image.size
    noise = np.tile(shifted, (height // _NOISE_TILE + 1, width // _NOISE_TILE + 1, 1))[:height, :width]
    return ImageChops.add(image, Image.fromarray(np.ascontiguousarray(noise)), offset=-128)


def _transmit(melanin: Field, blood: Field) -> Field:
    absorbed = melanin[..., None] * np.array(_MELANIN, np.float32) + blood[..., None] * np.array(_BLOOD, np.float32)
    through: Field = np.exp(-absorbed)
    return through


def _creases(rng: np.random.Generator, rows: int, columns: int) -> Field:
    """The fine dark lines of skin: where a smooth field crosses zero."""
    lines = smooth_noise(rng, rows, columns, 34, 2)
    dark: Field = np.exp(-((lines / 0.25) ** 2))
    return dark


def _spot(rng: np.random.Generator, rows: int, columns: int, radius: float) -> Field:
    side = min(rows, columns)
    y = (np.arange(rows, dtype=np.float32) - rng.uniform(0, rows)) / (radius * side)
    x = (np.arange(columns, dtype=np.float32) - rng.uniform(0, columns)) / (radius * side)
    return np.outer(np.exp(-(y**2)), np.exp(-(x**2))).astype(np.float32)


def _add_lesion(rng: np.random.Generator, skin: Field, appearance: Appearance) -> Field:
    rows, columns = skin.shape[:2]
    side = min(rows, columns)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    x = (x - columns * rng.uniform(0.42, 0.58)) / side
    y = (y - rows * rng.uniform(0.42, 0.58)) / side
    depth = _depth(rng, x, y, appearance)
    inside = (1 / (1 + np.exp(np.clip(-depth / appearance.softness, -30, 30)))).astype(np.float32)

    tone = 1 + appearance.variegation * 0.75 * smooth_noise(rng, rows, columns, 7, 3)
    amount = appearance.pigment * tone.clip(0.3, 2.4)
    amount *= 0.75 + 0.35 * np.clip(depth * 2, 0, 1)  # a little darker inside than at the rim
    if appearance.network:
        coverage = (0.6 + 0.5 * smooth_noise(rng, rows, columns, 5)).clip(
            0, 1
        )  # the network rarely covers the whole lesion
        amount *= 1 + appearance.network * coverage * 0.7 * (_mesh(rng, x, y) - 0.45)
    melanin = inside * amount + _dots(rng, depth, appearance)
    blood = appearance.redness * inside * (smooth_noise(rng, rows, columns, 5, 2) + 0.5).clip(0, 1.5)
    blood += 0.12 * np.exp(-((depth / 0.25) ** 2))  # a faint blush around the border
    colour: Field = skin * _transmit(melanin, blood)
    if appearance.veil:
        strength = inside * (smooth_noise(rng, rows, columns, 4, 2) * 0.6 + 0.2).clip(0, 0.85) * appearance.veil
        veil = np.array(_VEIL_RGB, np.float32) * (float(skin.mean()) / 190)
        colour = colour + (veil - colour) * (strength * np.clip(depth * 4, 0, 1))[..., None]
    return colour


def _depth(rng: np.random.Generator, x: Field, y: Field, appearance: Appearance) -> Field:
    """Depth within the lesion in radii: 1 in the centre, 0 on the border, negative outside.

    The border is a random Fourier series of the angle, displaced by fine noise.
    """
    rows, columns = x.shape
    rough = appearance.irregularity * appearance.radius * 0.1
    x = x + rough * smooth_noise(rng, rows, columns, 14, 3)
    y = y + rough * smooth_noise(rng, rows, columns, 14, 3)
    turn, squeeze = rng.uniform(0, tau), rng.uniform(0.72, 1.0)
    along = (cos(turn) * x + sin(turn) * y) * squeeze
    aside = (cos(turn) * y - sin(turn) * x) / squeeze
    angle = np.arctan2(aside, along)
    border = np.ones_like(x)
    for wave in range(2, 9):
        size = appearance.irregularity * rng.uniform(0.1, 0.42) / wave
        border += size * np.cos(wave * angle + rng.uniform(0, tau))
    depth: Field = 1 - np.hypot(along, aside) / (appearance.radius * border.clip(0.3))
    return depth


def _mesh(rng: np.random.Generator, x: Field, y: Field) -> Field:
    """A slightly bent honeycomb of dark lines, 0 to 1: the sum of three waves at 60 degrees to each other."""
    rows, columns = x.shape
    x = x + 0.011 * smooth_noise(rng, rows, columns, 11, 2)
    y = y + 0.011 * smooth_noise(rng, rows, columns, 11, 2)
    total = np.zeros_like(x)
    for third in range(3):
        angle = third * tau / 6 + 0.3
        total += np.cos(tau * 30 * (cos(angle) * x + sin(angle) * y))
    lines: Field = np.clip(1 - (total + 1.5) / 2.6, 0, 1)
    return lines


def _dots(rng: np.random.Generator, depth: Field, appearance: Appearance) -> Field:
    rows, columns = depth.shape
    dark = np.zeros((rows, columns), np.float32)
    ys, xs = np.nonzero(depth > 0.12)
    if not appearance.dots or not len(ys):
        return dark
    canvas = Image.new("L", (columns, rows))
    draw = ImageDraw.Draw(canvas)
    for index in rng.integers(0, len(ys), appearance.dots):
        radius = rng.uniform(0.004, 0.012) * min(rows, columns)
        x, y = float(xs[index]), float(ys[index])
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=int(rng.integers(90, 220)))
    dark += np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.8)))
    dark /= 255
    return dark


def _illumination(rng: np.random.Generator, rows: int, columns: int, appearance: Appearance) -> Field:
    """Illumination, float32 [rows, columns], 1 for full: it falls off to the corners, for phones also to one side."""
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    if appearance.device is Device.DERMATOSCOPE:
        round_light: Field = 1.02 - rng.uniform(0.06, 0.16) * (x**2 + y**2)
        return round_light
    slope, angle = rng.uniform(0.03, 0.16), rng.uniform(0, tau)
    shade = resize_field(rng.uniform(0.9, 1.0, (4, 4)).astype(np.float32), rows, columns)
    light: Field = shade * (1 + slope * (cos(angle) * x + sin(angle) * y)) - 0.05 * (x**2 + y**2)
    return light


def _add_hairs(rng: np.random.Generator, image: Image.Image, appearance: Appearance) -> Image.Image:
    if not appearance.hairs:
        return image
    width, height = image.size
    side = min(width, height)
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    along = rng.uniform(0, tau)
    steps = np.linspace(0, 1, 24)[:, None]
    for _ in range(appearance.hairs):
        start = rng.uniform((0, 0), (width, height))
        angle = along + rng.normal(0, 0.5)
        length, bend = rng.uniform(0.25, 0.8) * side, rng.normal(0, 0.12) * side
        direction = np.array((cos(angle), sin(angle)))
        middle = start + direction * length / 2 + np.array((-direction[1], direction[0])) * bend
        path = (1 - steps) ** 2 * start + 2 * steps * (1 - steps) * middle + steps**2 * (start + direction * length)
        line_width = max(1, round(side * rng.uniform(0.002, 0.0045)))
        draw.line([(float(px), float(py)) for px, py in path], fill=int(rng.integers(150, 235)), width=line_width)
    mask = mask.filter(ImageFilter.GaussianBlur(side * 0.0009))
    return Image.composite(Image.new("RGB", image.size, (38, 26, 20)), image, mask)


def _add_round_field(image: Image.Image) -> Image.Image:
    width, height = image.size
    radius = hypot(width, height) / 2 * 0.88
    field = Image.new("L", (width, height))
    middle = (width / 2, height / 2)
    ImageDraw.Draw(field).ellipse(
        (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius), fill=255
    )
    field = field.filter(ImageFilter.GaussianBlur(min(width, height) * 0.006))
    return Image.composite(image, Image.new("RGB", image.size, (8, 6, 6)), field)
