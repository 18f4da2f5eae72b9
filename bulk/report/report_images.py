"""The pictures of a report: in the page itself, or in files beside it."""

import base64
import contextlib
from pathlib import Path
from typing import Self


class ReportImages:
    """Keeps the pictures of one page, which is written within its `with` block.

    A name stands for the same picture in every page. If `inline`, the pictures are in the page. Otherwise they are
    files of `directory`. In both cases those of a former page are removed once the new one is finished, and those of
    an unfinished page at once.
    """

    def __init__(self, directory: Path, *, inline: bool) -> None:
        self._directory = directory
        self._inline = inline
        self._former: set[Path] = set()
        self._added: set[Path] = set()

    def add(self, name: str, jpeg: bytes) -> str:
        """Keep a picture, and return the address by which the page shows it. Raises `OSError`."""
        if self._inline:
            return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
        path = self._directory / f"{name}.jpg"
        self._added.add(path)
        path.write_bytes(jpeg)
        return f"{self._directory.name}/{path.name}"

    def __enter__(self) -> Self:
        if not self._inline:
            self._directory.mkdir(exist_ok=True)
        self._former = set(self._directory.glob("*.jpg"))
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the pictures that no page shows."""
        for path in self._added - self._former if any(error) else self._former - self._added:
            with contextlib.suppress(OSError):
                path.unlink()
        with contextlib.suppress(OSError):
            self._directory.rmdir()  # unless it holds pictures
