"""The check that costs nothing, for clients to make before they upload."""

from shared.contract.decision import RefusalReason
from shared.images.limits import DECODE_LIMITS, DecodeLimits
from shared.images.refusal import ImageRejected


def check_bytes(size: int, limits: DecodeLimits = DECODE_LIMITS) -> None:
    """Check the length of a file, `size` in bytes. Raises `ImageRejected`: EMPTY or TOO_MANY_BYTES."""
    if size <= 0:
        raise ImageRejected(RefusalReason.EMPTY)
    if size > limits.max_bytes:
        raise ImageRejected(RefusalReason.TOO_MANY_BYTES)
