"""Changes of the whole image: rotation, flip, encoding, light, focus, resolution.

Each function makes a change. A change takes an upright RGB image and a random generator, and returns a new image.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def transpose(method: Image.Transpose) -> Change:
    """Turn by quarters, or flip: no pixel is lost."""
    return lambda image, _: image.transpose(method)


def rotate(degrees: float) -> Change:
    """Rotate about the centre. The corners are filled with a mirror image of the skin there."""

    def change(image: Image.Image, _: np.random.Generator) -> Image.Image:
        margin = max(image.size) // 4
        padded = np.pad(np.asarray(image), ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
        rotated = Image.fromarray(padded).rotate(degrees, Image.Resampling.BICUBIC)
        return rotated.crop((margin, margin, margin + image.width, margin + image.height))

    return change


def encode_jpeg(quality: int) -> Change:
    """Encode as JPEG of this quality, as a messenger does."""

    def change(image: Image.Image, _: np.random.Generator) -> Image.Image:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return Image.open(stream).convert("RGB")

    return change


def change_brightness(factor: float) -> Change:
    """Multiply the brightness by `factor`."""
    return lambda image, _: ImageEnhance.Brightness(image).enhance(factor)


def change_white_balance(red: float, blue: float) -> Change:
    """Multiply the red and the blue channel by these factors."""

    def change(image: Image.Image, _: np.random.Generator) -> Image.Image:
        scaled = np.asarray(image, np.float32) * (red, 1, blue)
        return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))

    return change


def blur(share: float) -> Change:
    """Apply a Gaussian blur whose radius is `share` of the longer side."""
    return lambda image, _: image.filter(ImageFilter.GaussianBlur(max(image.size) * share))


def reduce_resolution(factor: float) -> Change:
    """Shrink by `factor` and enlarge again."""

    def change(image: Image.Image, _: np.random.Generator) -> Image.Image:
        small = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        return image.resize(small, Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)

    return change
