"""Chooses the groups that are held out of training in sources without a split of their own."""

import hashlib
from typing import Final

#: Fraction of HAM10000's lesions and of the ISIC archive's patients that is held out for validation and calibration.
HELD_OUT_FRACTION: Final = 0.15


def is_held_out(group: str, fraction: float = HELD_OUT_FRACTION) -> bool:
    """Return whether a lesion, patient or owner is among the `fraction` of them that is held out of training.

    The name of the group alone decides. So the images of a group stay together, on every machine and with any other
    content of the manifest.
    """
    number = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big")
    return number < fraction * 2**64
