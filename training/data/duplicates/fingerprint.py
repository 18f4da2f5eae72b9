"""What of a picture is compared with other pictures, to find those that are there twice."""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

from training.errors import TrainingError

#: Pixels of a side of the small picture. Its aspect is squashed: copies are found whatever theirs is.
THUMBNAIL_SIDE: Final = 64


@dataclass(frozen=True)
class Fingerprint:
    """One picture: its size in pixels, digests of the file and of its pixels, and how it looks."""

    width: int
    height: int
    sha256: str
    #: Of the decoded RGB pixels: equal in files that differ in metadata or container alone.
    pixels_sha256: str
    #: Perceptual hash of 64 bits (DCT, Zauner 2010) of the small picture, by `imagehash.phash`.
    phash: int
    #: Luminance, uint8 [SMALL, SMALL].
    thumbnail: npt.NDArray[np.uint8]


def compute_fingerprint(path: Path) -> Fingerprint:
    """Read one picture. Raises `TrainingError` where it cannot be read or is none."""
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content)) as opened:
            image = opened.convert("RGB")
    except OSError as error:
        reason = error.strerror or "it is no whole picture"
        raise TrainingError(f"{path} cannot be read ({reason}).") from error
    digest = hashlib.sha256(f"{image.size}".encode())
    digest.update(image.tobytes())
    small = np.asarray(image.convert("L").resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX))
    return Fingerprint(
        width=image.width,
        height=image.height,
        sha256=hashlib.sha256(content).hexdigest(),
        pixels_sha256=digest.hexdigest(),
        phash=compute_phash(small),
        thumbnail=small,
    )


def compute_phash(thumbnail: npt.NDArray[np.uint8]) -> int:
    """Perceptual hash of a small picture [SMALL, SMALL] as a number below 2**64."""
    return int(str(imagehash.phash(Image.fromarray(thumbnail))), 16)
