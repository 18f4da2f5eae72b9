"""Protocol of an input format: a kind of file that holds one or more images."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


class InputFormat(Protocol):
    """A kind of file that holds images.

    Both methods raise `bulk.inputs.read_problem.FileNotReadable` or `shared.images.refusal.ImageRejected`, which name
    the reason in the results. Anything else that they raise fails the file without naming one.
    """

    @property
    def extensions(self) -> frozenset[str]:
        """Extensions of such files: lower case, with the dot."""

    def list_images(self, path: Path) -> Iterable[str]:
        """List the images in the file at `path`.

        The name of an image is unique in the file and the same in each call. `""` is the file itself.
        """

    def read_image(self, path: Path, image: str) -> bytes:
        """Read an image that `list_images` named. The file may have changed or vanished since."""
