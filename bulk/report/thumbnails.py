"""Thumbnails in the report: small, without metadata, as `data:` URIs."""

import base64
import contextlib
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from bulk.inputs.formats import read_image
from bulk.inputs.read_problem import FileNotReadable
from bulk.results.result_row import ResultRow
from shared.contract.decision import DECODED_REFUSALS
from shared.images.evidence_map import draw_evidence
from shared.images.refusal import ImageRejected
from shared.images.thumbnail import make_thumbnail

# Longer side in pixels: twice what a card shows, for the screens of phones.
_SIDE: Final = 320
_JPEG_QUALITY: Final = 80


def make_thumbnails(row: ResultRow, folder: Path) -> list[str]:
    """The image of `row` and, for a verdict, the image with its evidence map; empty if it cannot be shown.

    Only images that a worker has decoded are decoded here: others may hang or crash a decoder.
    """
    if row.verdict is None and row.reason not in DECODED_REFUSALS:
        return []
    try:
        thumbnail = make_thumbnail(read_image(folder, row.name), _SIDE)
    except (FileNotReadable, ImageRejected):
        return []  # the file was changed or removed since
    uris = [_data_uri(thumbnail)]
    if row.verdict:
        # A map whose number of cells is not that of its size is not drawn.
        with contextlib.suppress(ValueError):
            uris.append(_data_uri(draw_evidence(thumbnail, row.verdict.evidence)))
    return uris


def _data_uri(pil_image: Image.Image) -> str:
    buffer = BytesIO()
    pil_image.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
