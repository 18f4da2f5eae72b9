"""Finds the images of a folder. Nothing is held in memory but the name of one image at a time."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from bulk.inputs.archives.archive_format import ArchiveFormat
from bulk.inputs.formats import (
    changed_ns,
    extension_of,
    find_format,
    format_failed,
    has_image_extension,
    image_of,
    is_image_file,
)
from bulk.inputs.input_format import InputFormat
from bulk.inputs.input_image import InputImage
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from shared.images.refusal import ImageRejected

# Each level keeps a directory open, and a process may open about a thousand files.
_MAX_DEPTH: Final = 100
# Files that the ISIC archive and its challenges put beside a picture: outlines, superpixels and attributes of it.
_COMPANION: Final = re.compile(
    r".*_(superpixels|segmentation|segmentation_\w+|mask|attribute_\w+)\.(png|bmp|gif|tiff?|jpe?g)", re.IGNORECASE
)
# A folder with millions of extensions must not fill the memory with their counts.
_MAX_EXTENSIONS: Final = 50


@dataclass(slots=True)
class Skipped:
    """Numbers of files and folders that are not submitted."""

    hidden: int = 0
    companions: int = 0
    folders: int = 0
    linked_folders: int = 0
    other_files: Counter[str] = field(default_factory=Counter)

    def count_other_file(self, extension: str) -> None:
        """Count a file that holds no images by its `extension`."""
        known = extension in self.other_files or len(self.other_files) < _MAX_EXTENSIONS
        self.other_files[extension if known else "(more)"] += 1


def scan(
    folder: Path,
    *,
    recursive: bool,
    exclude: Path | None = None,
    own_files: frozenset[str] = frozenset(),
    skipped: Skipped,
) -> Iterator[InputImage]:
    """Yield the images of `folder` in the order of the file system, and count everything else in `skipped`.

    The name of an image is its path below `folder`, joined with `/`. A link to a file counts as a file; linked folders
    are never entered. The directory `exclude` is passed over, or if that is `folder` itself, the `own_files` in it. A
    file or folder whose images cannot be listed yields one image, whose `load` raises the reason. Raises `OSError` if
    `folder` itself cannot be listed.
    """
    resolved = exclude.resolve() if exclude is not None and exclude.exists() else None
    own = own_files if resolved == folder.resolve() else frozenset()
    with os.scandir(folder) as entries:
        others = (entry for entry in entries if entry.name not in own)
        yield from _Scan(folder, recursive, resolved, skipped).scan_entries(others, "", 1)


@dataclass(frozen=True, slots=True)
class _Scan:
    folder: Path
    recursive: bool
    exclude: Path | None
    skipped: Skipped

    def scan_entries(self, entries: Iterator[os.DirEntry[str]], prefix: str, depth: int) -> Iterator[InputImage]:
        for entry in entries:
            name = entry.name
            if _is_folder(entry):
                if not self._is_excluded(entry):
                    yield from self._scan_folder(entry, prefix, depth)
            elif self._is_passed_over(name):
                continue
            elif (format_ := find_format(name)) and (extension_of(name) or not _is_link_to_folder(entry)):
                yield from self._images_in_file(prefix + name, format_)
            elif _is_link_to_folder(entry):
                self.skipped.linked_folders += 1
            else:
                self.skipped.count_other_file(extension_of(name))

    def _is_passed_over(self, name: str) -> bool:
        """Count files that no user takes for images of their own."""
        if name.startswith("."):
            self.skipped.hidden += 1
            return True
        if _COMPANION.fullmatch(name):
            self.skipped.companions += 1
            return True
        return False

    def _is_excluded(self, entry: "os.DirEntry[str]") -> bool:
        return bool(self.exclude and entry.name == self.exclude.name and Path(entry.path).resolve() == self.exclude)

    def _scan_folder(self, entry: "os.DirEntry[str]", prefix: str, depth: int) -> Iterator[InputImage]:
        name = prefix + entry.name
        if entry.name.startswith("."):
            self.skipped.hidden += 1
            return
        if not self.recursive:
            # The user may have taken it for an image: a row of the results says that it is none.
            if has_image_extension(entry.name):
                yield self._unreadable(name, FileNotReadable(ReadProblem.NOT_A_FILE))
            else:
                self.skipped.folders += 1
            return
        if depth >= _MAX_DEPTH:
            yield self._unreadable(name, FileNotReadable(ReadProblem.FOLDER_UNREADABLE))
            return
        try:
            with os.scandir(entry.path) as entries:
                yield from self.scan_entries(entries, name + "/", depth + 1)
        except OSError:
            yield self._unreadable(name, FileNotReadable(ReadProblem.FOLDER_UNREADABLE))

    def _images_in_file(self, name: str, format_: InputFormat) -> Iterator[InputImage]:
        try:
            for image in format_.list_images(self.folder / name):
                if not isinstance(format_, ArchiveFormat) or self._is_image_in_archive(image):
                    yield image_of(self.folder, f"{name}/{image}" if image else name)
        except (FileNotReadable, ImageRejected) as error:
            yield self._unreadable(name, error)
        except Exception as error:  # noqa: BLE001 - a file that its format cannot list must not end the run
            yield self._unreadable(name, format_failed(error))

    def _is_image_in_archive(self, path: str) -> bool:
        """Judge a file in an archive by its name, as a file of the folder is. Archives in archives are not opened."""
        *folders, name = path.split("/")
        hidden = (folder.startswith(".") and folder not in (".", "..") for folder in folders)
        if any(hidden) or "__MACOSX" in folders:
            self.skipped.hidden += 1
            return False
        if self._is_passed_over(name):
            return False
        if is_image_file(name):
            return True
        self.skipped.count_other_file(extension_of(name))
        return False

    def _unreadable(self, name: str, error: Exception) -> InputImage:
        def load() -> NoReturn:
            raise error

        return InputImage(name, load, partial(changed_ns, self.folder, name))


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False  # the kind is unknown here; reading the entry reports the error


def _is_link_to_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False  # a circular link
