"""Creates ids of jobs, process incarnations and calls."""

import hashlib
import secrets
from typing import Final

_JOB_ID_BYTES: Final = 16


def job_id(key: bytes, *parts: str) -> str:
    """Hash `parts` into a job id. The same parts give the same id.

    Args:
        key: At most 64 bytes. Only someone who knows the key can tell whose image an id belongs to.
        parts: Texts that together identify the image.

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
    """Return 64 random bits as hex. The ledger recognises a repeated call by its token."""
    return secrets.token_hex(8)
