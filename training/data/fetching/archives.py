"""Checks and reads zip archives."""

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from training.errors import TrainingError


def check_zip(path: Path) -> None:
    """Raise `TrainingError` if a zip archive is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError) as error:
        raise TrainingError(f"{path} is no complete zip archive ({error}): remove it to fetch it again.") from error
    if damaged is not None:
        raise TrainingError(f"{damaged} in {path} is damaged: remove the archive to fetch it again.")


def read_members(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield the name and content of each file in a zip archive and in the archives within it, except hidden files."""
    with zipfile.ZipFile(path) as archive:
        yield from _read_members(archive)


def _read_members(archive: zipfile.ZipFile) -> Iterator[tuple[PurePosixPath, bytes]]:
    for info in archive.infolist():
        name = PurePosixPath(info.filename)
        if info.is_dir() or any(part.startswith((".", "__")) for part in name.parts):
            continue
        if name.suffix.lower() == ".zip":
            with archive.open(info) as stream, zipfile.ZipFile(stream) as inner:
                yield from _read_members(inner)
        else:
            yield name, archive.read(info)
