"""The photograph as it goes back to the person: small enough for a chat, with the evidence over it."""

from io import BytesIO
from typing import Final

from shared.contract.decision import EvidenceMap
from shared.images.evidence_map import draw_evidence
from shared.images.refusal import ImageRejected
from shared.images.thumbnail import load_halved

#: Most pixels of the longer side; it has more than half of them where the photograph does. Enough for a chat, where the
#: photograph itself stands above, and drawn within two milliseconds.
_SIDE: Final = 800
_QUALITY: Final = 85


def render_evidence_jpeg(data: bytes, evidence: EvidenceMap) -> bytes | None:
    """JPEG of the picture `data` with `evidence` drawn over it; None where the picture cannot be read again."""
    try:
        image = load_halved(data, _SIDE)
    except ImageRejected:
        return None
    into = BytesIO()
    draw_evidence(image, evidence).save(into, "JPEG", quality=_QUALITY)
    return into.getvalue()
