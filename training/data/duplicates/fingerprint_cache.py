"""Fingerprints kept in a file, so that a picture that has not changed is not read again."""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from training.data.duplicates.fingerprint import THUMBNAIL_SIDE, Fingerprint, compute_fingerprint
from training.errors import TrainingError

#: Part of the file's name: another number where a fingerprint holds something else, or is made otherwise.
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
#: Pictures between two writes: so much is lost by an interruption at most.
_CHUNK_SIZE: Final = 256


def load_fingerprints(
    paths: Sequence[Path], directory: Path, advance: Callable[[int], object] = lambda _: None
) -> list[Fingerprint]:
    """Fingerprints of pictures, in their order; `advance` is told how many more are done.

    A picture is known again by its path, size and time of change. Raises `TrainingError` where one cannot be read,
    and where the file in `directory` is not one of ours.
    """
    directory.mkdir(parents=True, exist_ok=True)
    kept = directory / f"fingerprints-{CACHE_VERSION}.sqlite"
    try:
        with closing(sqlite3.connect(kept)) as store, ThreadPoolExecutor() as pool:
            store.execute(_TABLE)
            found: list[Fingerprint] = []
            for start in range(0, len(paths), _CHUNK_SIZE):
                some = paths[start : start + _CHUNK_SIZE]
                known = [_find_cached(store, path) for path in some]
                made = pool.map(
                    compute_fingerprint, [path for path, one in zip(some, known, strict=True) if one is None]
                )
                found += [next(made) if one is None else one for one in known]
                fresh = [(path, one) for path, one, old in zip(some, found[start:], known, strict=True) if old is None]
                with store:
                    store.executemany(_INSERT, map(_format_row, fresh))
                advance(len(some))
            return found
    except sqlite3.Error as error:
        raise TrainingError(f"{kept} cannot be used ({error}): remove it, and it is made again.") from error


def _find_cached(store: sqlite3.Connection, path: Path) -> Fingerprint | None:
    row = store.execute(
        _SELECT,
        _make_key(path),
    ).fetchone()
    if row is None:
        return None
    width, height, sha256, pixels, phash, small = row
    image = np.frombuffer(small, np.uint8).reshape(THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    return Fingerprint(width, height, sha256, pixels, int(phash, 16), image)


def _format_row(fresh: tuple[Path, Fingerprint]) -> tuple[object, ...]:
    path, one = fresh
    return (
        *_make_key(path),
        one.width,
        one.height,
        one.sha256,
        one.pixels_sha256,
        f"{one.phash:016x}",
        one.thumbnail.tobytes(),
    )


def _make_key(path: Path) -> tuple[str, int, int]:
    try:
        state = path.stat()
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}).") from error
    return str(path.resolve()), state.st_size, state.st_mtime_ns
