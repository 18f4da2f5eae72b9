"""Refusal of an image: the exception, the sentence for users, and the check of the file size."""

from typing import Final

from shared.contract.decision import RefusalReason
from shared.images.limits import DECODE_LIMITS, DecodeLimits


class ImageRejected(Exception):
    """Raised when an image can get no verdict; `reason` says why."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


_SENTENCES: Final[dict[RefusalReason, str]] = {
    RefusalReason.EMPTY: "The file is empty. Please send the picture again.",
    RefusalReason.TOO_MANY_BYTES: (
        f"The file is larger than {DECODE_LIMITS.max_bytes // 2**20} MB. "
        "Please send a smaller copy, for instance as a photo and not as a file."
    ),
    RefusalReason.TOO_MANY_PIXELS: (
        f"The picture has more than {DECODE_LIMITS.max_pixels // 10**6} million pixels. "
        "Please send a smaller copy or cut it to the mole."
    ),
    RefusalReason.TOO_SMALL: (
        "The picture is too small to show a mole. Please send the original and not a thumbnail of it."
    ),
    RefusalReason.NOT_A_PICTURE: (
        "The file is not a picture. Please send a photograph of the mole as JPEG, PNG, WebP or HEIC."
    ),
    RefusalReason.UNSUPPORTED_FORMAT: (
        "Pictures of this format cannot be read. Please send the photograph as JPEG, PNG, WebP or HEIC."
    ),
    RefusalReason.ANIMATED: ("The file moves or holds several pictures. Please send one still photograph of one mole."),
    RefusalReason.DAMAGED: (
        "The file is damaged or was cut off on its way. Please send it again, or take a new photograph."
    ),
    RefusalReason.UNREADABLE: (
        "The picture could not be read within the time and memory that a picture gets. "
        "Please take a new photograph, or save it anew as JPEG."
    ),
    RefusalReason.NOT_A_LESION: (
        "The picture does not seem to show a mole. Please photograph one mole from close by, "
        "in focus and in good light, so that it fills about a third of the picture."
    ),
}


def describe(reason: RefusalReason) -> str:
    """Return the sentence for `reason`: what is wrong with the image and what the user can do."""
    return _SENTENCES[reason]


def check_bytes(size: int, limits: DecodeLimits = DECODE_LIMITS) -> None:
    """Check the length of a file, `size` in bytes, before it is read or uploaded.

    Raises:
        ImageRejected: EMPTY or TOO_MANY_BYTES.
    """
    if size <= 0:
        raise ImageRejected(RefusalReason.EMPTY)
    if size > limits.max_bytes:
        raise ImageRejected(RefusalReason.TOO_MANY_BYTES)
