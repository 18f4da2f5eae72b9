"""One image of a run, before and after it is read."""

from collections.abc import Callable
from dataclasses import dataclass


def _unknown() -> None:
    """The state of an image that is no file."""


@dataclass(frozen=True, slots=True)
class InputImage:
    """An image to be classified.

    `name` is unique in its run. `load` returns the bytes and may be called more than once. It raises
    `bulk.inputs.read_problem.FileNotReadable` or `shared.images.refusal.ImageRejected` for an image that cannot be
    submitted. `changed_ns` returns when its file last changed, None if nothing is known of it.
    """

    name: str
    load: Callable[[], bytes]
    changed_ns: Callable[[], int | None] = _unknown


@dataclass(frozen=True, slots=True)
class ImageVersion:
    """Identifies the bytes that were read under the name of an image: a file may be replaced by another of this name.

    Attributes:
        size: Number of bytes, None if they were not read.
        sha256: Hash of the bytes in hex, None if they were not read.
        changed_ns: `InputImage.changed_ns` just before they were read.
    """

    size: int | None = None
    sha256: str | None = None
    changed_ns: int | None = None
