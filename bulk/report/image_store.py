"""Where the pictures of the report are: in the page itself, or in files beside it."""

import base64
import contextlib
from pathlib import Path
from typing import Protocol, Self


class ImageStore(Protocol):
    """Takes the pictures of a page, and is a context manager that removes them if the page is not finished."""

    def add(self, name: str, jpeg: bytes) -> str:
        """Keep a picture, and return the address by which the page shows it. Raises `OSError`."""

    def __enter__(self) -> Self:
        """Begin the page."""

    def __exit__(self, *error: object) -> None:
        """End the page."""


class InlineImages:
    """Pictures in the page."""

    def add(self, name: str, jpeg: bytes) -> str:  # noqa: ARG002
        """The picture as a `data:` URI."""
        return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to remove."""


class ImageFiles:
    """Pictures in files of `directory`. A name stands for the same picture in every page."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._former: set[Path] = set()
        self._added: set[Path] = set()

    def add(self, name: str, jpeg: bytes) -> str:
        """Write the picture to `name`.jpg; returns its address relative to the page."""
        path = self._directory / f"{name}.jpg"
        self._added.add(path)
        path.write_bytes(jpeg)
        return f"{self._directory.name}/{path.name}"

    def __enter__(self) -> Self:
        self._directory.mkdir(exist_ok=True)
        self._former = set(self._directory.glob("*.jpg"))
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the pictures of the former page, or of this one if it was not finished."""
        for path in self._added - self._former if any(error) else self._former - self._added:
            with contextlib.suppress(OSError):
                path.unlink()
        with contextlib.suppress(OSError):
            self._directory.rmdir()  # unless there are any
