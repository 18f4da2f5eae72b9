"""Keypoints of a picture: what can be found again in another photograph of the same lesion."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from training.errors import TrainingError

#: Pixels of the longest side when keypoints are looked for.
MAX_SIDE: Final = 224
#: Keypoints of a picture at most, the most prominent ones.
MAX_KEYPOINTS: Final = 300
#: Length of a descriptor.
DESCRIPTOR_LENGTH: Final = 128


@dataclass(frozen=True)
class Keypoints:
    """Places float32 [n, 2] in pixels, and descriptors float32 [n, LENGTH] of norm 1."""

    positions: npt.NDArray[np.float32]
    descriptors: npt.NDArray[np.float32]


def detect_keypoints(path: Path) -> Keypoints:
    """Keypoints by SIFT (Lowe 2004) with the descriptors of RootSIFT (Arandjelović and Zisserman 2012).

    Contrast is evened out before: skin shows little. Raises `TrainingError` where the picture cannot be read.
    """
    try:
        with Image.open(path) as opened:
            opened.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
            grey = np.asarray(opened.convert("L"))
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror or 'it is no whole picture'}).") from error
    equalized = cv2.createCLAHE(clipLimit=3, tileGridSize=(4, 4)).apply(grey)
    found, described = cv2.SIFT.create(nfeatures=MAX_KEYPOINTS, contrastThreshold=0.02).detectAndCompute(
        equalized, None
    )
    if described is None:
        return Keypoints(np.zeros((0, 2), np.float32), np.zeros((0, DESCRIPTOR_LENGTH), np.float32))
    # More than MOST may come where several are equally prominent.
    positions = np.array([one.pt for one in found[:MAX_KEYPOINTS]], np.float32)
    root_sift = np.sqrt(
        described[:MAX_KEYPOINTS] / np.maximum(described[:MAX_KEYPOINTS].sum(axis=1, keepdims=True), 1e-6)
    )
    return Keypoints(positions, root_sift.astype(np.float32))
