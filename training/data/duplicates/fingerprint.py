"""Computes fingerprints of images, which are compared to find duplicates."""

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

#: Side of the thumbnail in pixels. The thumbnail is square, so that copies of another aspect are found too.
THUMBNAIL_SIDE: Final = 64


@dataclass(frozen=True)
class Fingerprint:
    """Size of an image in pixels, digests of its file and its pixels, and its appearance."""

    width: int
    height: int
    sha256: str
    #: Of the decoded RGB pixels: equal for files that differ only in metadata or container.
    pixels_sha256: str
    #: Perceptual hash of 64 bits (DCT, Zauner 2010) of the thumbnail, by `imagehash.phash`.
    phash: int
    #: Luminance, uint8 [THUMBNAIL_SIDE, THUMBNAIL_SIDE].
    thumbnail: npt.NDArray[np.uint8]


def compute_fingerprint(path: Path) -> Fingerprint:
    """Compute the fingerprint of an image. Raises `TrainingError` if the file cannot be read or is no image."""
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content)) as opened:
            image = opened.convert("RGB")
    except OSError as error:
        reason = error.strerror or "it is no complete picture"
        raise TrainingError(f"{path} cannot be read ({reason}).") from error
    digest = hashlib.sha256(f"{image.size}".encode())
    digest.update(image.tobytes())
    thumbnail = np.asarray(image.convert("L").resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX))
    return Fingerprint(
        width=image.width,
        height=image.height,
        sha256=hashlib.sha256(content).hexdigest(),
        pixels_sha256=digest.hexdigest(),
        phash=compute_phash(thumbnail),
        thumbnail=thumbnail,
    )


def compute_phash(thumbnail: npt.NDArray[np.uint8]) -> int:
    """Compute the perceptual hash of a thumbnail as a number below 2**64."""
    return int(str(imagehash.phash(Image.fromarray(thumbnail))), 16)
