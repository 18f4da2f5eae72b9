"""Changes of the whole picture: turned, flipped, encoded, lit or focused in another way.

Each takes an upright RGB picture and a generator of random numbers, and returns a new picture.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def transpose(method: Image.Transpose) -> Change:
    """A quarter or half turn, or a flip: no pixel is lost."""
    return lambda image, _: image.transpose(method)


def rotate(degrees: float) -> Change:
    """Turned about its centre; the corners are filled with a mirror image of the skin there."""

    def change(image: Image.Image, _: np.random.Generator) -> Image.Image:
        margin = max(image.size) // 4
        wide = np.pad(np.asarray(image), ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
        whole = Image.fromarray(wide).rotate(degrees, Image.Resampling.BICUBIC)
        return whole.crop((margin, margin, margin + image.width, margin + image.height))

    return change


def encode_jpeg(quality: int) -> Change:
    """A JPEG of this quality, as a messenger makes it."""

    def change(image: Image.Image, _: np.random.Generator) -> Image.Image:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return Image.open(stream).convert("RGB")

    return change


def change_brightness(factor: float) -> Change:
    """As bright as `factor` times the picture."""
    return lambda image, _: ImageEnhance.Brightness(image).enhance(factor)


def change_white_balance(red: float, blue: float) -> Change:
    """Another white balance: gains of red and blue."""

    def change(image: Image.Image, _: np.random.Generator) -> Image.Image:
        gained = np.asarray(image, np.float32) * (red, 1, blue)
        return Image.fromarray(gained.clip(0, 255).astype(np.uint8))

    return change


def blur(share: float) -> Change:
    """Out of focus: a Gaussian blur whose radius is `share` of the longer side."""
    return lambda image, _: image.filter(ImageFilter.GaussianBlur(max(image.size) * share))


def reduce_resolution(factor: float) -> Change:
    """Of lower resolution: shrunk by `factor` and enlarged again."""

    def change(image: Image.Image, _: np.random.Generator) -> Image.Image:
        small = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        return image.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)

    return change
