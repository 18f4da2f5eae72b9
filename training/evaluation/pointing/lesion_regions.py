"""Finds the lesion in an image: by a box of the manifest, or by segmenting what is darker than the skin.

A region is bool [GRID, GRID] over the whole image, whatever its aspect ratio.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from scipy import ndimage  # type: ignore[import-untyped]

from training.data.records.labelled_image import LabelledImage
from training.metrics.bootstrap import Flags

GRID: Final = 128
#: Smallest and largest share of the image that a segmented lesion may cover.
_LESION_SHARES: Final = (0.01, 0.6)
#: Pixels at the image's border that a segmented lesion may have: dark corners have more.
_MAX_BORDER_PIXELS: Final = 12

#: Left, top, right and bottom as shares of the image.
Box = tuple[float, float, float, float]


def read_boxes(images: Sequence[LabelledImage]) -> Mapping[Path, Box]:
    """Read the lesion boxes of images from the column `bbox` of their manifests.

    The manifest of an image is the nearest `manifest.csv` in the folders above it.
    """
    folders = {
        next((folder for folder in image.path.parents if _manifest_path(folder).is_file()), None) for image in images
    }
    boxes = {}
    for folder in sorted(folder for folder in folders if folder is not None):
        with _manifest_path(folder).open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row.get("bbox"):
                    left, top, right, bottom = map(float, row["bbox"].split())
                    boxes[folder / row["file"]] = (left, top, right, bottom)
    return boxes


def _manifest_path(folder: Path) -> Path:
    return folder / "manifest.csv"


def box_region(box: Box) -> Flags:
    """The region inside a box."""
    region = np.zeros((GRID, GRID), dtype=bool)
    left, top, right, bottom = (round(value * GRID) for value in box)
    region[top:bottom, left:right] = True
    return region


def segment_lesion(image: Image.Image) -> Flags | None:
    """Find the largest dark region near the middle; None if there is none.

    It applies Otsu's threshold (1979) to the smoothed blue channel, in which pigment and blood are darkest.
    """
    small = image.resize((GRID, GRID), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(2))
    blue = np.asarray(small)[..., 2]
    dark = ndimage.binary_opening(blue < _otsu_threshold(blue), iterations=2)
    components, count = ndimage.label(dark)
    largest, area = None, 0
    for number in range(1, count + 1):
        component = components == number
        border = component[0].sum() + component[-1].sum() + component[:, 0].sum() + component[:, -1].sum()
        if component.sum() > area and border <= _MAX_BORDER_PIXELS:
            largest, area = component, int(component.sum())
    min_share, max_share = _LESION_SHARES
    if largest is None or not min_share <= area / GRID**2 <= max_share or not _is_central(largest):
        return None
    return np.asarray(ndimage.binary_fill_holes(largest), dtype=bool)


def _is_central(region: Flags) -> bool:
    return all(0.2 * GRID <= indices.mean() <= 0.8 * GRID for indices in np.nonzero(region))


def _otsu_threshold(values: npt.NDArray[np.uint8]) -> int:
    """The threshold that splits the values into the two classes of least variance within."""
    counts = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    below, above = counts.cumsum(), counts.sum() - counts.cumsum()
    sums = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(np.nan_to_num(between).argmax()) + 1
