"""Smooth random fields, from which skin is rendered."""

import numpy as np
import numpy.typing as npt
from PIL import Image

#: Always float32. The wider type lets the type checker accept products with plain numbers.
Field = npt.NDArray[np.floating]


def resize_field(field: Field, rows: int, columns: int) -> Field:
    """Resize a float32 field smoothly to [rows, columns]."""
    return np.asarray(Image.fromarray(field).resize((columns, rows), Image.Resampling.BICUBIC))


def smooth_noise(rng: np.random.Generator, rows: int, columns: int, cells: float, octaves: int = 1) -> Field:
    """Create a smooth field, float32 [rows, columns], with a mean near 0 and a standard deviation near 1.

    `cells` is the number of hills along the shorter side; each octave adds hills of half the size and height.
    """
    total = np.zeros((rows, columns), np.float32)
    height, weight = 1.0, 0.0
    for octave in range(octaves):
        step = min(rows, columns) / (cells * 2**octave)
        coarse = rng.standard_normal((round(rows / step) + 3, round(columns / step) + 3), np.float32)
        total += height * resize_field(coarse, rows, columns)
        weight += height**2
        height /= 2
    return total * np.float32(1.4 / weight**0.5)  # interpolation flattens random hills by about 1/1.4
