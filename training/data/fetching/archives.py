"""Archives: whole, and unpacked without leaving their folder."""

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from training.errors import TrainingError


def check_zip(path: Path) -> None:
    """Raise `TrainingError` where an archive is broken."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, OSError) as error:
        raise TrainingError(f"{path} is no whole zip archive ({error}): remove it, and it is fetched again.") from error
    if broken is not None:
        raise TrainingError(f"{broken} in {path} is broken: remove the archive, and it is fetched again.")


def read_members(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Names and contents of the files in an archive, and of those in archives within it; hidden ones are left out."""
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
