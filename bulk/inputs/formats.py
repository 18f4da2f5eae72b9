"""Registry of the input formats, and access to images through it."""

from functools import partial
from pathlib import Path
from typing import Final

import structlog

from bulk.inputs.archives.tar_archive import TAR_ARCHIVES
from bulk.inputs.archives.zip_archive import ZIP_ARCHIVES
from bulk.inputs.dicom.converter import DicomConverter
from bulk.inputs.dicom.magic import is_dicom
from bulk.inputs.image_file import ImageFile
from bulk.inputs.input_format import InputFormat
from bulk.inputs.input_image import InputImage
from bulk.inputs.read_problem import FileNotReadable, ReadProblem
from shared.images.refusal import ImageRejected, check_bytes

log = structlog.get_logger(__name__)

_IMAGE_FILE: Final = ImageFile()
_DICOM: Final = DicomConverter()

#: All input formats. A new one is a module beside this one and an entry here.
INPUT_FORMATS: tuple[InputFormat, ...] = (_IMAGE_FILE, ZIP_ARCHIVES, TAR_ARCHIVES)


def extension_of(file_name: str) -> str:
    """The extension in lower case with its dot; empty for a name without one."""
    dot = file_name.rfind(".")
    return file_name[dot:].lower() if dot > 0 else ""


def find_format(file_name: str) -> InputFormat | None:
    """The input format of a file with this name; None for a file that holds no images."""
    extensions = {extension_of(file_name)}
    if len(parts := file_name.lower().rsplit(".", 2)) == 3:
        extensions.add(f".{parts[1]}.{parts[2]}")  # such as .tar.gz
    return next((known for known in INPUT_FORMATS if extensions & known.extensions), None)


def has_image_extension(name: str) -> bool:
    """True if `name` has an extension of an input format."""
    return len(extension_of(name)) > 1 and find_format(name) is not None


def is_image_file(name: str) -> bool:
    """True if a file with this name is one image."""
    return find_format(name) is _IMAGE_FILE


def image_of(folder: Path, name: str) -> InputImage:
    """The image `name` of `folder`: the path of a file below `folder`, or of an image in a file."""
    return InputImage(name, partial(read_image, folder, name), partial(changed_ns, folder, name))


def read_image(folder: Path, name: str) -> bytes:
    """Read the image `name` of `folder`.

    Raises `bulk.inputs.read_problem.FileNotReadable` and `shared.images.refusal.ImageRejected`, whatever the format
    raises.
    """
    file, image = _split(folder, name)
    try:
        data = (find_format(file) or _IMAGE_FILE).read_image(folder / file, image)
        if is_dicom(data):
            data = _DICOM.convert(data)
    except (FileNotReadable, ImageRejected):
        raise
    except Exception as error:
        raise format_failed(error) from error
    check_bytes(len(data))
    return data


def read_order(folder: Path, name: str) -> tuple[str, int]:
    """A key by which images are best read: those of one archive one after the other."""
    file, image = _split(folder, name)
    order = getattr(find_format(file), "read_order", None)
    if order is None or not image:
        return file, 0
    try:
        return file, int(order(folder / file, image))
    except (FileNotReadable, ImageRejected):
        return file, 0


def changed_ns(folder: Path, name: str) -> int | None:
    """Time at which the content or status of the image's file last changed; None if there is no such file.

    The status counts as well: a file that is moved here keeps the time of its content.
    """
    try:
        status = (folder / _split(folder, name)[0]).stat()
    except OSError:
        return None
    return max(status.st_mtime_ns, status.st_ctime_ns)


def format_failed(error: Exception) -> FileNotReadable:
    """Log an exception that a format should not raise, without its text: that may quote the file."""
    log.warning("reading a file failed unexpectedly", error=type(error).__name__)
    return FileNotReadable(ReadProblem.FORMAT_FAILED)


def _split(folder: Path, name: str) -> tuple[str, str]:
    """The path of the file, and the name of the image in it."""
    parts = name.split("/")
    for end in range(1, len(parts)):
        file = "/".join(parts[:end])
        # A folder, too, may be named like a file that holds images.
        if has_image_extension(parts[end - 1]) and _is_file(folder / file):
            return file, "/".join(parts[end:])
    return name, ""


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
