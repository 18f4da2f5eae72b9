"""Creates ids of jobs, process incarnations and calls."""

import hashlib
import secrets
from typing import Final

_JOB_ID_BYTES: Final = 16


def job_id(key: bytes, *parts: str) -> str:
    """Hash `parts` into a job id: the same image gets the same id again.

    Args:
        key: At most 64 bytes. Only someone who knows the key can tell whose image an id belongs to.
        parts: What identifies the image.

    Returns:
        The keyed BLAKE2b hash, 128 bits as hex.
    """
    digest = hashlib.blake2b(key=key, digest_size=_JOB_ID_BYTES)
    for part in parts:
        encoded = part.encode("utf-8", "surrogateescape")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def new_incarnation(role: str) -> str:
    """Name one life of one process: `role` and 64 random bits. A restarted process gets a new name."""
    return f"{role}-{new_token()}"


def new_token() -> str:
    """64 random bits as hex, by which a repeated call is recognised."""
    return secrets.token_hex(8)
