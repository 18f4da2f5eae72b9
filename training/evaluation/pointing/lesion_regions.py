"""Where the lesion is: from a box in the manifest, or a simple mask of what is darker than the skin.

A region is bool [GRID, GRID] over the whole picture, whatever its aspect.
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
#: A masked lesion covers between these shares of the picture; what is smaller or larger is no lesion, or not found.
_LESION_SHARES: Final = (0.01, 0.6)
#: Pixels at the picture's border that a masked lesion may have: dark corners have more.
_MAX_BORDER_PIXELS: Final = 12

Box = tuple[float, float, float, float]


def read_boxes(images: Sequence[LabelledImage]) -> Mapping[Path, Box]:
    """Lesion boxes (left, top, right, bottom as shares of the picture), from the column `bbox` of their manifests.

    A manifest is the first `manifest.csv` above a picture.
    """
    folders = {next((one for one in image.path.parents if _manifest_path(one).is_file()), None) for image in images}
    boxes = {}
    for folder in sorted(found for found in folders if found is not None):
        with _manifest_path(folder).open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                if row.get("bbox"):
                    left, top, right, bottom = map(float, row["bbox"].split())
                    boxes[folder / row["file"]] = (left, top, right, bottom)
    return boxes


def _manifest_path(folder: Path) -> Path:
    return folder / "manifest.csv"


def box_region(box: Box) -> Flags:
    """The region within a box."""
    region = np.zeros((GRID, GRID), dtype=bool)
    left, top, right, bottom = (round(value * GRID) for value in box)
    region[top:bottom, left:right] = True
    return region


def segment_lesion(image: Image.Image) -> Flags | None:
    """The largest dark region near the middle; None where no such thing is found.

    Otsu's threshold (1979) on the blue channel, in which pigment and blood are darkest, smoothed.
    """
    small = image.resize((GRID, GRID), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(2))
    blue = np.asarray(small)[..., 2]
    dark = ndimage.binary_opening(blue < _otsu_threshold(blue), iterations=2)
    parts, count = ndimage.label(dark)
    best, area = None, 0
    for number in range(1, count + 1):
        part = parts == number
        border = part[0].sum() + part[-1].sum() + part[:, 0].sum() + part[:, -1].sum()
        if part.sum() > area and border <= _MAX_BORDER_PIXELS:
            best, area = part, int(part.sum())
    if best is None or not _LESION_SHARES[0] <= area / GRID**2 <= _LESION_SHARES[1] or not _is_central(best):
        return None
    return np.asarray(ndimage.binary_fill_holes(best), dtype=bool)


def _is_central(part: Flags) -> bool:
    return all(0.2 * GRID <= places.mean() <= 0.8 * GRID for places in np.nonzero(part))


def _otsu_threshold(values: npt.NDArray[np.uint8]) -> int:
    """The threshold that parts the values into the two classes of least variance within."""
    counts = np.bincount(values.ravel(), minlength=256).astype(np.float64)
    below, above = counts.cumsum(), counts.sum() - counts.cumsum()
    sums = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(np.nan_to_num(between).argmax()) + 1
