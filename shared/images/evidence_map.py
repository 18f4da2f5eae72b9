"""The evidence map (attribution map): scales the model's numbers to a small grid and draws the grid on an image."""

from collections.abc import Callable
from math import ceil, floor
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from shared.contract.decision import EvidenceMap

_MAX_CELL: Final = 127

# Orange-yellow: its lightness separates it from skin and lesions with any colour blindness.
_COLOUR: Final = (255, 176, 0)
# Opacity of the colour where the evidence is strongest. The lesion must stay visible beneath.
_OPACITY: Final = 0.3
# Evidence, as a share of the largest, from which on the image is coloured, and around which a line is drawn.
_COLOUR_FROM: Final = 0.25
_OUTLINE_FROM: Final = 0.5
#: Pixels of the longer side of the copy in which the region to draw is looked for.
_COARSE_SIDE: Final = 112

_Box = tuple[int, int, int, int]


def to_evidence_map(values: npt.NDArray[np.floating]) -> EvidenceMap:
    """Scale a model's evidence to shares of its largest absolute value.

    Args:
        values: Float [rows, columns] of any unit. A value that is not finite counts as no evidence.

    Returns:
        The map; all zeros without evidence.
    """
    finite = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    peak = np.abs(finite).max(initial=0.0)
    scaled = np.rint(finite / peak * _MAX_CELL) if peak > 0 else finite
    rows, columns = values.shape
    return EvidenceMap(rows=rows, columns=columns, cells=tuple(scaled.astype(int).ravel().tolist()))


def draw_evidence(image: Image.Image, evidence: EvidenceMap) -> Image.Image:
    """Draw the evidence for a high score over an RGB `image` of any size; returns a new image.

    The grid is stretched smoothly over the whole image. A transparent colour marks strong evidence; a line, light on
    dark, surrounds what exceeds half of the map's largest absolute value. What lowers the score is not drawn,
    because readers take any colour as alarm.
    """
    cells = np.array(evidence.cells, dtype=np.float32).reshape(evidence.rows, evidence.columns)
    grid = Image.fromarray(cells.clip(min=0) / _MAX_CELL)
    drawn = image.copy()
    # The rest of the image stays as it is and costs nothing.
    if (box := _find_region(grid, image.size, _COLOUR_FROM)) is not None:
        drawn.paste(_COLOUR, box, _stretch(grid, image.size, box).point(_OPACITY_BY_STRENGTH))
    line_width = max(1, round(min(image.size) / 200))
    if (box := _find_region(grid, image.size, _OUTLINE_FROM, 4 * line_width)) is not None:
        _draw_outline(drawn, box, _stretch(grid, image.size, box).point(_WEAK_BY_STRENGTH), line_width)
    return drawn


def _draw_outline(image: Image.Image, box: _Box, weak: Image.Image, line_width: int) -> None:
    """Draw a line into the `box` of `image`, around what is 0 in `weak`, which is 255 elsewhere."""
    for colour, width, table in (((0, 0, 0), 3 * line_width, _DARK_BY_BLUR), (_COLOUR, line_width, _LIGHT_BY_BLUR)):
        # A blurred edge is a half on the border, and 0 or 1 away from it.
        image.paste(colour, box, weak.filter(ImageFilter.BoxBlur(width)).point(table))


def _find_region(grid: Image.Image, size: tuple[int, int], threshold: float, margin: int = 0) -> _Box | None:
    """Find a box of an image of `size` that holds all strength above `threshold`; None if there is none."""
    # A small copy is enough: the box gets a pixel of it as a further margin.
    scale = min(1.0, _COARSE_SIDE / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    marked = np.asarray(grid.resize((width, height), Image.Resampling.BICUBIC)) > threshold
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    if rows.size == 0:
        return None
    return (
        max(0, floor((columns[0] - 1) * size[0] / width) - margin),
        max(0, floor((rows[0] - 1) * size[1] / height) - margin),
        min(size[0], ceil((columns[-1] + 2) * size[0] / width) + margin),
        min(size[1], ceil((rows[-1] + 2) * size[1] / height) + margin),
    )


def _stretch(grid: Image.Image, size: tuple[int, int], box: _Box) -> Image.Image:
    """Stretch `grid` smoothly to `size`. Returns the part in `box`, 0 to 255."""
    left, top, right, bottom = box
    scale_x, scale_y = grid.width / size[0], grid.height / size[1]
    source = (left * scale_x, top * scale_y, right * scale_x, bottom * scale_y)
    part = grid.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box=source)
    return part.point(lambda value: value * 255 + 0.5).convert("L")


def _tabulate(function: Callable[[float], float]) -> list[int]:
    """Tabulate a function of shares, whose results are shares, for bytes."""
    return [int(255 * min(1.0, max(0.0, function(byte / 255)))) for byte in range(256)]


_OPACITY_BY_STRENGTH: Final = _tabulate(lambda share: (share - _COLOUR_FROM) / (1 - _COLOUR_FROM) * _OPACITY)
_WEAK_BY_STRENGTH: Final = _tabulate(lambda share: float(share < _OUTLINE_FROM))
_DARK_BY_BLUR: Final = _tabulate(lambda blurred: 4 * blurred * (1 - blurred) * 0.45)
_LIGHT_BY_BLUR: Final = _tabulate(lambda blurred: 4 * blurred * (1 - blurred) * 0.95)
