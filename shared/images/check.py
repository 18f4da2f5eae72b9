"""The check that costs nothing, for clients to make before they upload."""

from shared.contract.decision import RefusalReason
from shared.images.limits import LIMITS, Limits
from shared.images.refusal import PictureRefused


def check_bytes(size: int, limits: Limits = LIMITS) -> None:
    """Check the length of a file, `size` in bytes. Raises `PictureRefused`: EMPTY or TOO_MANY_BYTES."""
    if size <= 0:
        raise PictureRefused(RefusalReason.EMPTY)
    if size > limits.max_bytes:
        raise PictureRefused(RefusalReason.TOO_MANY_BYTES)
