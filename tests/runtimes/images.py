"""The shipped artefact, and images for the tests of runtimes."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samples.demo import render_samples
from samples.image_set import render_many

ARTEFACT: Final = Path("models/lite0")


def render_images(folder: Path, size: int) -> NDArray[np.uint8]:
    """Render lesions, pictures of other things, and noise: uint8 [n, size, size, 3]."""
    render_samples(folder / "samples", count=16)
    render_many(folder / "many", 24, size=(480, 360))
    decoded = []
    for path in sorted(folder.rglob("*.*")):
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            with Image.open(path) as image:
                decoded.append(np.asarray(image.convert("RGB").resize((size, size))))
    noise = np.random.default_rng(1).integers(0, 256, (8, size, size, 3), dtype=np.uint8)
    return np.concatenate([np.stack(decoded), noise])
