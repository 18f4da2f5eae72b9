"""Which files of a folder are candidates. Nothing is opened here, and only one name is in memory at a time."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

#: Extensions that pictures have, those that get refused later with a proper reason included.
_PICTURES: Final = frozenset(
    f".{extension}"
    for extension in (
        *("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "webp", "heic", "heif", "avif", "bmp", "dib", "tif", "tiff"),
        *("gif", "svg", "psd", "ico", "jp2", "jxl"),
        *("raw", "dng", "cr2", "cr3", "nef", "nrw", "arw", "sr2", "orf", "rw2", "raf", "pef", "srw"),
    )
)
# Each level keeps a directory open, and processes may open about a thousand files.
_DEEPEST: Final = 100
# A folder with millions of extensions must not fill the memory with their counts.
_MOST_EXTENSIONS: Final = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to be judged: its path below the folder, joined with `/`. `unlisted` for a folder that hides its own."""

    name: str
    unlisted: bool = False


@dataclass(slots=True)
class Skipped:
    """What was passed over, as numbers."""

    hidden: int = 0
    folders: int = 0
    linked_folders: int = 0
    others: Counter[str] = field(default_factory=Counter)

    def count_other(self, extension: str) -> None:
        """Count a file that is no picture by its `extension`."""
        known = extension in self.others or len(self.others) < _MOST_EXTENSIONS
        self.others[extension if known else "(more)"] += 1


def is_image_name(name: str) -> bool:
    """Whether a file of this name may be a picture: its extension is one of pictures, or it has none."""
    extension = _extension(name)
    return extension in ("", ".") or extension in _PICTURES


def scan(folder: Path, *, recursive: bool, leave_out: Path | None = None, skipped: Skipped) -> Iterator[Candidate]:
    """Yield the candidates of `folder` in the order of the file system, and count the rest in `skipped`.

    Links to files are candidates; linked folders are never entered, and neither is `leave_out`. Raises `OSError`
    where `folder` itself cannot be listed.
    """
    avoid = leave_out.resolve() if leave_out is not None and leave_out.exists() else None
    with os.scandir(folder) as entries:
        yield from _entries(entries, "", recursive, avoid, skipped, 1)


def _entries(
    entries: Iterator[os.DirEntry[str]],
    above: str,
    recursive: bool,
    avoid: Path | None,
    skipped: Skipped,
    depth: int,
) -> Iterator[Candidate]:
    for entry in entries:
        if entry.name.startswith("."):
            skipped.hidden += 1
        elif _is_folder(entry):
            yield from _folder(entry, above, recursive, avoid, skipped, depth)
        elif is_image_name(entry.name):
            if _extension(entry.name) or not _leads_to_folder(entry):
                yield Candidate(above + entry.name)
            else:
                skipped.linked_folders += 1
        elif _leads_to_folder(entry):
            skipped.linked_folders += 1
        else:
            skipped.count_other(_extension(entry.name))


def _folder(
    entry: "os.DirEntry[str]", above: str, recursive: bool, avoid: Path | None, skipped: Skipped, depth: int
) -> Iterator[Candidate]:
    if not recursive:
        # Somebody took it for a picture; a row says that it is none.
        if _extension(entry.name) in _PICTURES:
            yield Candidate(above + entry.name)
        else:
            skipped.folders += 1
        return
    if avoid is not None and entry.name == avoid.name and Path(entry.path).resolve() == avoid:
        return
    name = above + entry.name
    if depth >= _DEEPEST:
        yield Candidate(name, unlisted=True)
        return
    try:
        with os.scandir(entry.path) as entries:
            yield from _entries(entries, name + "/", recursive, avoid, skipped, depth + 1)
    except OSError:
        yield Candidate(name, unlisted=True)


def _extension(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False  # the file system would not say; reading it will tell


def _leads_to_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False  # a link in a circle
