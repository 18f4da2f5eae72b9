"""What the files were when they were first fetched: a later one that differs is refused."""

import json
from pathlib import Path
from typing import Final

from training.errors import TrainingError

LOCK_NAME: Final = "fetched.json"


def read_digest(folder: Path, name: str) -> str:
    """Digest "sha256:..." of a file at its first fetch, or nothing. Raises `TrainingError` for a broken lock."""
    return _read_lock(folder).get(name, "")


def save_digest(folder: Path, name: str, digest: str) -> None:
    """Write the digest of a file into the lock of the folder."""
    lock = _read_lock(folder) | {name: digest}
    temporary = folder / f"{LOCK_NAME}.new"
    temporary.write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(folder / LOCK_NAME)


def _read_lock(folder: Path) -> dict[str, str]:
    path = folder / LOCK_NAME
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(f"{path} is broken: remove it, and the files are taken as they come.") from error
    return {str(name): str(digest) for name, digest in dict(found).items()}
