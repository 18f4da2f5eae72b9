"""Draws the evidence over the photo, in a size for a chat."""

from io import BytesIO
from typing import Final

from shared.contract.decision import EvidenceMap
from shared.images.evidence_map import draw_evidence
from shared.images.refusal import ImageRejected
from shared.images.thumbnail import load_halved

#: Maximum pixels of the longer side. Halving leaves more than half of that, unless the photo itself is smaller. That is
#: enough for a chat, where the photo itself is shown above, and takes at most two milliseconds to draw.
_MAX_SIDE: Final = 800
_JPEG_QUALITY: Final = 85


def render_evidence_jpeg(data: bytes, evidence: EvidenceMap) -> bytes | None:
    """Return a JPEG of the image `data` with `evidence` drawn over it; None if the image cannot be read again."""
    try:
        image = load_halved(data, _MAX_SIDE)
    except ImageRejected:
        return None
    buffer = BytesIO()
    draw_evidence(image, evidence).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
