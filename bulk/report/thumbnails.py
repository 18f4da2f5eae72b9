"""Thumbnails in the report: small, without metadata, of nothing but the bytes that were judged."""

import contextlib
import hashlib
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


def read_judged_image(row: ResultRow, folder: Path) -> bytes | None:
    """The bytes that `row` judges. None if they cannot be shown, or the file has other bytes now.

    Only images that a worker has decoded are shown: others may hang or crash a decoder.
    """
    if row.verdict is None and row.reason not in DECODED_REFUSALS:
        return None
    try:
        data = read_image(folder, row.name)
    except (FileNotReadable, ImageRejected):
        return None
    return data if hashlib.sha256(data).hexdigest() == row.version.sha256 else None


def make_thumbnails(row: ResultRow, data: bytes) -> list[bytes]:
    """The image `data` of `row` and, for a verdict, the image with its evidence map, as JPEG."""
    try:
        thumbnail = make_thumbnail(data, _SIDE)
    except ImageRejected:
        return []
    images = [_encode(thumbnail)]
    if row.verdict:
        # A map whose number of cells is not that of its size is not drawn.
        with contextlib.suppress(ValueError):
            images.append(_encode(draw_evidence(thumbnail, row.verdict.evidence)))
    return images


def _encode(pil_image: Image.Image) -> bytes:
    buffer = BytesIO()
    pil_image.save(buffer, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return buffer.getvalue()
