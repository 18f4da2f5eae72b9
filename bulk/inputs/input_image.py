"""One image of a run, before it is read."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InputImage:
    """An image to be classified.

    `name` is unique in its run. `load` returns the bytes and may be called more than once. It raises
    `bulk.inputs.read_problem.FileNotReadable` or `shared.images.refusal.ImageRejected` for an image that cannot be
    submitted.
    """

    name: str
    load: Callable[[], bytes]
