"""The evidence map (attribution map): scales the model's numbers to a small grid and draws the grid on an image."""

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
# Evidence, as a share of the largest, around which a line is drawn. The colour begins at half of it.
_OUTLINE_FROM: Final = 0.5


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
    strength = np.asarray(grid.resize(image.size, Image.Resampling.BICUBIC)).clip(0, 1)
    line_width = max(1, round(min(image.size) / 200))
    drawn = image.copy()
    box = _bounding_box(strength > _OUTLINE_FROM / 2, 4 * line_width)
    if box is not None:  # the rest of the image stays as it is and costs nothing
        left, top, right, bottom = box
        drawn.paste(_draw_region(image.crop(box), strength[top:bottom, left:right], line_width), (left, top))
    return drawn


def _draw_region(image: Image.Image, strength: npt.NDArray[np.floating], line_width: int) -> Image.Image:
    """Draw colour and line over one region. `strength` is float [rows, columns] in [0, 1]."""
    start = _OUTLINE_FROM / 2
    opacity = ((strength - start) / (1 - start)).clip(0, 1) * _OPACITY
    drawn = _blend(image, _COLOUR, opacity)
    weak = Image.fromarray((strength < _OUTLINE_FROM).astype(np.uint8) * 255)
    for colour, width, share in (((0, 0, 0), 3 * line_width, 0.45), (_COLOUR, line_width, 0.95)):
        drawn = _blend(drawn, colour, _find_border(weak, width) * share)
    return drawn


def _bounding_box(marked: npt.NDArray[np.bool_], margin: int) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of the true cells in bool [rows, columns], with a margin; None if there are none."""
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    if rows.size == 0:
        return None
    height, width = marked.shape
    return (
        max(0, int(columns[0]) - margin),
        max(0, int(rows[0]) - margin),
        min(width, int(columns[-1]) + 1 + margin),
        min(height, int(rows[-1]) + 1 + margin),
    )


def _find_border(mask: Image.Image, width: int) -> npt.NDArray[np.floating]:
    """Find the border of a region, about `width` pixels wide: 1 on the border, fading to 0."""
    blurred = np.asarray(mask.filter(ImageFilter.BoxBlur(width)), dtype=np.float32) / 255
    line: npt.NDArray[np.floating] = 4 * blurred * (1 - blurred)
    return line


def _blend(image: Image.Image, colour: tuple[int, int, int], opacity: npt.NDArray[np.floating]) -> Image.Image:
    mask = Image.fromarray((opacity * 255).astype(np.uint8))
    return Image.composite(Image.new("RGB", image.size, colour), image, mask)
