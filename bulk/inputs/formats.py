"""Registry of the input formats, and access to images through it."""

from pathlib import Path
from typing import Final

from bulk.inputs.image_file import ImageFile
from bulk.inputs.input_format import InputFormat

_IMAGE_FILE: Final = ImageFile()

#: All input formats. A new one is a module beside this one and an entry here.
INPUT_FORMATS: tuple[InputFormat, ...] = (_IMAGE_FILE,)


def extension_of(file_name: str) -> str:
    """The extension in lower case with its dot; empty for a name without one."""
    dot = file_name.rfind(".")
    return file_name[dot:].lower() if dot > 0 else ""


def find_format(file_name: str) -> InputFormat | None:
    """The input format of a file with this name; None for a file that holds no images."""
    extension = extension_of(file_name)
    return next((known for known in INPUT_FORMATS if extension in known.extensions), None)


def has_image_extension(name: str) -> bool:
    """True if `name` has an extension of an input format."""
    return len(extension_of(name)) > 1 and find_format(name) is not None


def read_image(folder: Path, name: str) -> bytes:
    """Read the image `name` of `folder`: the path of a file below `folder`, or of an image in a file.

    Raises `bulk.inputs.read_problem.FileNotReadable` and `shared.images.refusal.ImageRejected`.
    """
    file, image = _split(folder, name)
    return (find_format(file) or _IMAGE_FILE).read_image(folder / file, image)


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
    except OSError:
        return False
