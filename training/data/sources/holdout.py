"""Which groups are held out of training, where the source has no split of its own."""

import hashlib
from typing import Final

#: Share of HAM10000's lesions that is held out for validation and calibration.
HELD_OUT_FRACTION: Final = 0.15


def is_held_out(group: str, fraction: float = HELD_OUT_FRACTION) -> bool:
    """Whether a lesion, patient or owner is among the `share` of them that is held out of training.

    Decided by its name alone, so all pictures of a lesion go the same way, on every machine and whatever
    else is in the manifest.
    """
    number = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big")
    return number < fraction * 2**64
