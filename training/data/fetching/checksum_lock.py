"""The lock file: digests of the files at their first fetch. A file that differs later is refused."""

import json
from pathlib import Path
from typing import Final

from training.errors import TrainingError

LOCK_NAME: Final = "fetched.json"


def read_digest(folder: Path, name: str) -> str:
    """Read the digest of a file from the lock of its folder.

    Returns:
        "sha256:..."; empty if the file was never fetched.

    Raises:
        TrainingError: If the lock is damaged.
    """
    return _read_lock(folder).get(name, "")


def save_digest(folder: Path, name: str, digest: str) -> None:
    """Write the digest of a file into the lock of its folder. Raises `TrainingError` if the lock is damaged."""
    lock = _read_lock(folder) | {name: digest}
    temporary = folder / f"{LOCK_NAME}.new"
    temporary.write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(folder / LOCK_NAME)


def _read_lock(folder: Path) -> dict[str, str]:
    path = folder / LOCK_NAME
    if not path.is_file():
        return {}
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(f"{path} is damaged: remove it, and any version of the files is accepted.") from error
    return {str(name): str(digest) for name, digest in dict(lock).items()}
