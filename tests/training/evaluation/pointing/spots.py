"""Draws images of one dark spot."""

import numpy as np
from PIL import Image


def draw_spot(x: int, y: int, radius: int = 22) -> Image.Image:
    """An image of 192x192 of the colour of skin, with a brown spot around (x, y)."""
    rng = np.random.default_rng(x)
    pixels = np.full((192, 192, 3), (222, 180, 160), float)
    rows, columns = np.mgrid[:192, :192]
    pixels[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = (90, 60, 40)
    return Image.fromarray((pixels + rng.normal(0, 6, pixels.shape)).clip(0, 255).astype(np.uint8))
