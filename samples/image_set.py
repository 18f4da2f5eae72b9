"""Renders many images fast, for benchmarks: they compress like photographs, and all files differ."""

from pathlib import Path

import numpy as np
from PIL import Image

from samples.lesions import add_grain, render_lesion

# Files made from one rendered lesion: each has another crop, mirroring and grain.
_VARIANTS_PER_LESION = 8


def render_many(
    directory: Path, count: int, size: tuple[int, int] = (1024, 768), seed: int = 1, quality: int = 85
) -> list[Path]:
    """Write `count` JPEGs of `size` (width, height) into `directory`, which is created if missing.

    With the defaults a file has 100 to 200 kB. `quality` is the JPEG quality, 1 to 95.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    width, height = size
    paths = []
    lesion = Image.new("RGB", size)
    for index in range(count):
        if index % _VARIANTS_PER_LESION == 0:
            lesion = render_lesion(rng, width * 5 // 4, height * 5 // 4)
        left, top = int(rng.integers(0, width // 4 + 1)), int(rng.integers(0, height // 4 + 1))
        image = lesion.crop((left, top, left + width, top + height))
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        path = directory / f"{index + 1:06d}.jpg"
        add_grain(rng, image, 3.8).save(path, quality=quality)
        paths.append(path)
    return paths
