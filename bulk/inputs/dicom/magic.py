"""Recognises DICOM files by their first bytes."""

from typing import Final

#: Number of bytes from which a DICOM file can be recognised.
HEAD_BYTES: Final = 132
#: Larger DICOM files are refused: an uncompressed photograph of 40 million pixels has 120 MB.
MAX_BYTES: Final = 128 * 2**20


def is_dicom(head: bytes) -> bool:
    """True if a file that begins with `head` is a DICOM file (PS3.10): four letters after a preamble of 128 bytes."""
    return head[128:HEAD_BYTES] == b"DICM"
