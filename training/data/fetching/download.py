"""Downloads one file over HTTP and resumes after a lost connection. The file appears only when it is complete."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import requests

from training.errors import TrainingError

#: Attempts in a row without a new byte, after which the download fails.
_MAX_FAILED_ATTEMPTS: Final = 5
#: Bytes that are written at once: a lost connection costs at most one chunk.
_CHUNK_BYTES: Final = 1 << 14
#: Seconds without a byte after which a connection counts as lost.
_TIMEOUT_S: Final = 60

#: Called with the bytes received and the total (None if the server does not say it).
Progress = Callable[[int, int | None], object]


def download(url: str, target: Path, digest: str, progress: Progress, pause_s: float = 1) -> str:
    """Download a file; `<target>.part` holds what has arrived.

    After a lost connection the rest is requested again, until several attempts in a row have received nothing.

    Args:
        url: Address of the file.
        target: Path of the complete file.
        digest: Expected digest "sha256:..." or "md5:..."; empty if not known.
        progress: Called after each chunk.
        pause_s: Pause before the next attempt. It doubles with each failed attempt in a row.

    Returns:
        Digest of the file, "sha256:...".

    Raises:
        TrainingError: If the file cannot be downloaded or has another digest.
    """
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    failed_attempts = 0
    while True:
        before = _size_bytes(part)
        try:
            if _download_rest(url, part, progress):
                break
            reason = "the connection was lost"
        except requests.RequestException as error:
            if error.response is not None and 400 <= error.response.status_code < 500:
                raise TrainingError(f"{url} is not available (HTTP {error.response.status_code}).") from error
            reason = str(error)
        failed_attempts = failed_attempts + 1 if _size_bytes(part) <= before else 0
        if failed_attempts == _MAX_FAILED_ATTEMPTS:
            raise TrainingError(f"{url} cannot be downloaded ({reason}); what arrived is kept, so try again later.")
        time.sleep(pause_s * 2**failed_attempts)
    algorithm = digest.partition(":")[0] or "sha256"
    actual = compute_digest(part, algorithm)
    _etag_path(part).unlink(missing_ok=True)
    if digest and actual != digest:
        part.unlink()
        raise TrainingError(f"{url} is not the expected file ({actual}, not {digest}); it was deleted.")
    result = actual if algorithm == "sha256" else compute_digest(part, "sha256")
    part.replace(target)
    return result


def compute_digest(path: Path, algorithm: str) -> str:
    """Compute the digest of a file, with the algorithm before it: "sha256:..."."""
    with path.open("rb") as stream:
        return f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}"


def _download_rest(url: str, part: Path, progress: Progress) -> bool:
    """Append to `part` until the connection ends. Returns True if the file is complete."""
    start = _size_bytes(part)
    # If-Range: if the server has another version now, it sends all of it. Parts of two versions are never joined.
    tag = _etag_path(part).read_text(encoding="utf-8") if start and _etag_path(part).is_file() else ""
    # "identity": a range of a compressed response would not continue the bytes in `part`.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-", "If-Range": tag} if tag else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            return False
        response.raise_for_status()
        is_partial = response.status_code == requests.codes.partial_content
        length = response.headers.get("Content-Length")
        total = None if length is None else int(length) + (start if is_partial else 0)
        _etag_path(part).write_text(
            response.headers.get("ETag") or response.headers.get("Last-Modified") or "", encoding="utf-8"
        )
        with part.open("ab" if is_partial else "wb") as stream:
            try:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    stream.write(chunk)
                    progress(stream.tell(), total)
            except requests.RequestException:
                return False
    return total is None or _size_bytes(part) == total


def _etag_path(part: Path) -> Path:
    """Path of the file version (ETag or Last-Modified) that `part` belongs to."""
    return part.with_name(f"{part.name}.tag")


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
