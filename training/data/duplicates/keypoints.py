"""Detects keypoints, which can be found again in another photograph of the same lesion."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from training.errors import TrainingError

#: Longest side, in pixels, of the image in which keypoints are detected.
MAX_SIDE: Final = 224
#: Number of keypoints of an image; the most prominent are kept.
MAX_KEYPOINTS: Final = 300
DESCRIPTOR_LENGTH: Final = 128


@dataclass(frozen=True)
class Keypoints:
    """Positions float32 [n, 2] in pixels, and SIFT descriptors uint8 [n, DESCRIPTOR_LENGTH].

    SIFT rounds its descriptors to bytes, so that those of twenty thousand images fit into a gigabyte.
    """

    positions: npt.NDArray[np.float32]
    sift: npt.NDArray[np.uint8]

    @property
    def descriptors(self) -> npt.NDArray[np.float32]:
        """Descriptors of RootSIFT (Arandjelović and Zisserman 2012), float32 [n, DESCRIPTOR_LENGTH] of norm 1."""
        sums = np.maximum(self.sift.sum(axis=1, keepdims=True, dtype=np.float32), 1e-6)
        return np.asarray(np.sqrt(self.sift / sums))


def detect_keypoints(path: Path) -> Keypoints:
    """Detect keypoints by SIFT (Lowe 2004).

    The contrast is equalised first, because skin has little.

    Raises:
        TrainingError: If the image cannot be read.
    """
    try:
        with Image.open(path) as opened:
            opened.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
            grey = np.asarray(opened.convert("L"))
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror or 'it is no complete picture'}).") from error
    equalized = cv2.createCLAHE(clipLimit=3, tileGridSize=(4, 4)).apply(grey)
    points, descriptors = cv2.SIFT.create(nfeatures=MAX_KEYPOINTS, contrastThreshold=0.02).detectAndCompute(
        equalized, None
    )
    if descriptors is None:
        return Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, DESCRIPTOR_LENGTH), np.uint8))
    # SIFT may return more than asked for if several are equally prominent.
    positions = np.array([point.pt for point in points[:MAX_KEYPOINTS]], np.float32)
    return Keypoints(positions, descriptors[:MAX_KEYPOINTS].astype(np.uint8))
