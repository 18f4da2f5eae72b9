"""One file over HTTP: goes on where it was cut off, and is there whole and right, or not at all."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import requests

from training.errors import TrainingError

#: Attempts in a row that bring nothing, after which it is given up.
_MAX_FAILED_ATTEMPTS: Final = 5
#: Bytes that are written at once: so many are lost by a cut at most.
_CHUNK_BYTES: Final = 1 << 14
#: Seconds without a byte after which a connection counts as cut.
_TIMEOUT_S: Final = 60

#: Told how many bytes are there, and how many there will be (None where the server does not say).
Progress = Callable[[int, int | None], object]


def download(url: str, target: Path, digest: str, progress: Progress, pause_s: float = 1) -> str:
    """Fetch `url` into `target`, by way of `<target>.part`; returns the digest, "sha256:...".

    `digest` is "sha256:..." or "md5:...", or empty where none is known. After a cut the rest is asked for, again
    and again with growing pauses from `pause_s` on, until nothing comes any more. Raises `TrainingError` where the
    file cannot be had or is not the right one.
    """
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    failed_attempts = 0
    while True:
        before = _size_bytes(part)
        try:
            if _download_rest(url, part, progress):
                break
            reason = "the connection was cut"
        except requests.RequestException as error:
            if error.response is not None and 400 <= error.response.status_code < 500:
                raise TrainingError(f"{url} is not to be had (HTTP {error.response.status_code}).") from error
            reason = str(error)
        failed_attempts = failed_attempts + 1 if _size_bytes(part) <= before else 0
        if failed_attempts == _MAX_FAILED_ATTEMPTS:
            raise TrainingError(f"{url} does not come ({reason}); what has come is kept, so try again later.")
        time.sleep(pause_s * 2**failed_attempts)
    algorithm = digest.partition(":")[0] or "sha256"
    found = compute_digest(part, algorithm)
    _etag_path(part).unlink(missing_ok=True)
    if digest and found != digest:
        part.unlink()
        raise TrainingError(f"{url} is not the file that it should be ({found}, not {digest}); it was thrown away.")
    result = found if algorithm == "sha256" else compute_digest(part, "sha256")
    part.replace(target)
    return result


def compute_digest(path: Path, algorithm: str) -> str:
    """Digest of a file with its kind before it: "sha256:..."."""
    with path.open("rb") as stream:
        return f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}"


def _download_rest(url: str, part: Path, progress: Progress) -> bool:
    """Bring `part` as far as the connection lasts; whether it is whole."""
    have = _size_bytes(part)
    # Bytes are joined only if they are of the same file: the server gives all of it if it has another one now.
    tag = _etag_path(part).read_text(encoding="utf-8") if have and _etag_path(part).is_file() else ""
    # "identity": a range of compressed bytes would not fit to what is here.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-", "If-Range": tag} if tag else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            part.unlink()
            return False
        answer.raise_for_status()
        goes_on = answer.status_code == requests.codes.partial_content
        start = have if goes_on else 0
        length = answer.headers.get("Content-Length")
        whole = None if length is None else start + int(length)
        _etag_path(part).write_text(
            answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "", encoding="utf-8"
        )
        with part.open("ab" if goes_on else "wb") as stream:
            try:
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    stream.write(chunk)
                    progress(stream.tell(), whole)
            except requests.RequestException:
                return False
    return whole is None or _size_bytes(part) == whole


def _etag_path(part: Path) -> Path:
    """Where the server's mark of the file (ETag, or its date) is kept while only a part is here."""
    return part.with_name(f"{part.name}.tag")


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
