"""Converts any pixel layout to RGB: depth, palette, alpha, CMYK and colour profile."""

from functools import lru_cache
from io import BytesIO
from itertools import product
from math import isfinite
from typing import Any, Final

import numpy as np
from PIL import Image, ImageCms

from shared.contract.decision import RefusalReason
from shared.images.refusal import ImageRejected

# Modes whose pixels can be averaged as they are; only the small result is converted.
_AVERAGEABLE_MODES: Final = frozenset({"RGB", "L", "YCbCr", "RGBA", "LA", "RGBa", "La", "RGBX"})
_DEEP_MODES: Final = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
# Customary maximum values of a pixel: unit range, 8, 16 and 32 bits.
_FULL_SCALES: Final = (1.0, 255.0, 65535.0, 4294967295.0)
#: Rows that are scaled at once. The floats of 50 million pixels would take 200 MB.
_STRIP_ROWS: Final = 256
#: Bytes. Profiles of cameras take 0.5 to 4 kB, of printers up to 2 MB; larger ones only cost time.
_MAX_PROFILE_BYTES: Final = 1024 * 1024
#: Steps of 255. A profile that shifts no test colour further counts as sRGB.
_MAX_SRGB_SHIFT: Final = 2


def to_averageable_mode(image: Image.Image) -> Image.Image:
    """Convert a loaded image to a mode in which neighbouring pixels can be averaged.

    Palette, 1-bit, CMYK and deep pixels cannot be averaged: they become RGB, RGBA or L. Deep pixels are scaled to 8
    bits: 16-bit ones from 65,535, others from the smallest customary maximum that holds them, so that none is clipped
    at the top.

    Raises:
        ImageRejected: UNSUPPORTED_FORMAT for modes that no camera writes, DAMAGED for infinite values.
    """
    if image.mode in _AVERAGEABLE_MODES:
        if image.mode in ("RGB", "L") and "transparency" in image.info:
            return image.convert("RGBA")
        return image
    if image.mode in _DEEP_MODES:
        return _to_eight_bits(image)
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "CMYK":
        return image.convert("RGB")
    raise ImageRejected(RefusalReason.UNSUPPORTED_FORMAT)


def to_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert a small image to sRGB: transparent parts become white, colours follow `profile` if it is an RGB profile.

    Phones tag photographs with a wide gamut (Display P3). Read as sRGB, reds would look pale, and reds matter in
    lesions. A broken profile is ignored: the image itself is sound.
    """
    if image.mode in ("RGBA", "LA", "RGBa", "La"):
        unpremultiplied = image.convert("RGBA")
        image = Image.composite(
            unpremultiplied.convert("RGB"),
            Image.new("RGB", unpremultiplied.size, "white"),
            unpremultiplied.getchannel("A"),
        )
    elif image.mode != "RGB":
        image = image.convert("RGB")
    if profile and len(profile) <= _MAX_PROFILE_BYTES:
        transform = _srgb_transform(profile)
        if transform is not None:
            return ImageCms.applyTransform(image, transform) or image
    return image


def _to_eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        return Image.fromarray((values >> 8).astype(np.uint8))
    max_value = float(np.fmax.reduce(values, axis=None))  # ignores NaN
    if not isfinite(max_value):
        raise ImageRejected(RefusalReason.DAMAGED)
    scales = _FULL_SCALES if image.mode == "F" else _FULL_SCALES[1:]
    full_scale = next((scale for scale in scales if max_value <= scale), max_value)
    grey = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), _STRIP_ROWS):
        strip = np.nan_to_num(values[row : row + _STRIP_ROWS].astype(np.float32), copy=False)
        grey[row : row + _STRIP_ROWS] = strip.clip(0, full_scale) * (255 / full_scale) + 0.5
    return Image.fromarray(grey)


# A phone writes the same profile into all of its photographs, and building a transform takes longer than applying it.
@lru_cache(maxsize=16)
def _srgb_transform(profile: bytes) -> Any:
    """Return a transform to sRGB; None if the profile is broken, not an RGB profile, or sRGB itself."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), "RGB", "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
        levels = [0, 64, 128, 192, 255]
        before = np.array([list(product(levels, levels, levels))], dtype=np.uint8)
        after = np.asarray(ImageCms.applyTransform(Image.fromarray(before), transform))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    max_shift = np.abs(after.astype(np.int16) - before.astype(np.int16)).max()
    return None if max_shift <= _MAX_SRGB_SHIFT else transform
