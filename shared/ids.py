"""Ids of jobs, of process incarnations and of calls."""

import hashlib
import secrets
from typing import Final

_JOB_ID_BYTES: Final = 16


def job_id(key: bytes, *parts: str) -> str:
    """Keyed hash (BLAKE2b, 128 bits, as hex) of `parts`: the same photograph gets the same id again.

    `key` is at most 64 bytes; without it nobody can tell from an id whose photograph it is.
    """
    digest = hashlib.blake2b(key=key, digest_size=_JOB_ID_BYTES)
    for part in parts:
        encoded = part.encode("utf-8", "surrogateescape")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def new_incarnation(role: str) -> str:
    """Name for one life of one process: `role` and 64 random bits. A restarted process gets another."""
    return f"{role}-{new_token()}"


def new_token() -> str:
    """64 random bits as hex, by which a call that is repeated is known again."""
    return secrets.token_hex(8)
