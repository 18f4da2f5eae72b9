"""Pictures inside of the report: small, without metadata, as `data:` URIs."""

import base64
import contextlib
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from pydantic import ValidationError

from bulk.inputs.reader import read_image
from bulk.rejections import FileNotReadable
from bulk.results.results_file import Row
from shared.contract.decision import DECODED_REFUSALS, EvidenceMap
from shared.images.evidence_map import draw_evidence
from shared.images.refusal import ImageRejected
from shared.images.thumbnail import make_thumbnail

# Pixels of the longer side: twice what a card gives them, for the screens of phones.
_SIDE: Final = 320
_QUALITY: Final = 80


def thumbnails(row: Row, path: Path) -> list[str]:
    """The picture of `row` as it is and, for a verdict, with its evidence map; none where it cannot be shown.

    Only pictures that a worker has decoded are decoded here: others may hang or crash a decoder.
    """
    if row["kind"] != "verdict" and row["reason"] not in DECODED_REFUSALS:
        return []
    try:
        small = make_thumbnail(read_image(path), _SIDE)
    except (FileNotReadable, ImageRejected):
        return []  # changed or removed since it was judged
    shown = [_data_uri(small)]
    if row["kind"] == "verdict":
        # A map that does not fit its own size: the picture alone will do.
        with contextlib.suppress(ValidationError, ValueError):
            shown.append(_data_uri(draw_evidence(small, EvidenceMap.model_validate(row["evidence"]))))
    return shown


def _data_uri(image: Image.Image) -> str:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
