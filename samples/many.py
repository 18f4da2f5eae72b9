"""Many pictures in little time, for benchmarks: the bytes behave like photographs, each file is another one."""

from pathlib import Path

import numpy as np
from PIL import Image

from samples.lesions import add_grain, render_lesion

# Files made from one rendered lesion: each is another crop, turn, brightness and grain of it.
_VARIANTS_PER_LESION = 8


def render_many(
    directory: Path, count: int, size: tuple[int, int] = (1024, 768), seed: int = 1, quality: int = 85
) -> list[Path]:
    """Write `count` JPEGs of `size` (width, height) into `directory`, which is made if need be.

    With the defaults a file takes 100 to 200 kB. `quality` is that of the JPEG, 1 to 95.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    width, height = size
    paths = []
    master = Image.new("RGB", size)
    for index in range(count):
        if index % _VARIANTS_PER_LESION == 0:
            master = render_lesion(rng, width * 5 // 4, height * 5 // 4)
        left, top = int(rng.integers(0, width // 4 + 1)), int(rng.integers(0, height // 4 + 1))
        image = master.crop((left, top, left + width, top + height))
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        path = directory / f"{index + 1:06d}.jpg"
        add_grain(rng, image, 3.8).save(path, quality=quality)
        paths.append(path)
    return paths
