"""Caches fingerprints in a file, so that an unchanged image is not read again."""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from training.data.duplicates.fingerprint import THUMBNAIL_SIDE, Fingerprint, compute_fingerprint
from training.errors import TrainingError

#: Part of the file's name. Raise it when the content or the computation of a fingerprint changes.
CACHE_VERSION: Final = 1
_TABLE: Final = """
create table if not exists prints (
    path text primary key, bytes integer, changed_ns integer,
    width integer, height integer, sha256 text, pixels text, phash text, small blob
)
"""
_INSERT: Final = "insert or replace into prints values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT: Final = """
select width, height, sha256, pixels, phash, small from prints
where path = ? and bytes = ? and changed_ns = ?
"""
#: Images between two writes: an interruption costs at most one chunk.
_CHUNK_SIZE: Final = 256


def load_fingerprints(
    paths: Sequence[Path], directory: Path, advance: Callable[[int], object] = lambda _: None
) -> list[Fingerprint]:
    """Load the fingerprints of images from the cache, and compute those that it lacks.

    The cache identifies an image by its path, size and modification time.

    `directory` holds the cache. `advance` is called with the number of further images that are done.

    Returns:
        Fingerprints in the order of `paths`.

    Raises:
        TrainingError: If an image cannot be read, or if the file in `directory` is no such cache.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"fingerprints-{CACHE_VERSION}.sqlite"
    try:
        with closing(sqlite3.connect(path)) as connection, ThreadPoolExecutor() as pool:
            connection.execute(_TABLE)
            fingerprints: list[Fingerprint] = []
            for start in range(0, len(paths), _CHUNK_SIZE):
                chunk = paths[start : start + _CHUNK_SIZE]
                cached = [_find_cached(connection, path) for path in chunk]
                missing = [path for path, hit in zip(chunk, cached, strict=True) if hit is None]
                computed = list(pool.map(compute_fingerprint, missing))
                with connection:
                    connection.executemany(_INSERT, map(_format_row, missing, computed))
                remaining = iter(computed)
                fingerprints += [next(remaining) if hit is None else hit for hit in cached]
                advance(len(chunk))
            return fingerprints
    except sqlite3.Error as error:
        raise TrainingError(f"{path} cannot be used ({error}): remove it, and it is made again.") from error


def _find_cached(connection: sqlite3.Connection, path: Path) -> Fingerprint | None:
    row = connection.execute(_SELECT, _make_key(path)).fetchone()
    if row is None:
        return None
    width, height, sha256, pixels_sha256, phash, content = row
    thumbnail = np.frombuffer(content, np.uint8).reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return Fingerprint(width, height, sha256, pixels_sha256, int(phash, 16), thumbnail)


def _format_row(path: Path, fingerprint: Fingerprint) -> tuple[object, ...]:
    return (
        *_make_key(path),
        fingerprint.width,
        fingerprint.height,
        fingerprint.sha256,
        fingerprint.pixels_sha256,
        f"{fingerprint.phash:016x}",
        fingerprint.thumbnail.tobytes(),
    )


def _make_key(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}).") from error
    return str(path.resolve()), status.st_size, status.st_mtime_ns
