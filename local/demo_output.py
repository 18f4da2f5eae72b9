"""Checks and clears the demo's output directory. Only files of an earlier demo are ever removed from it."""

import re
from pathlib import Path
from typing import Final

from shared.contract.run_files import REMOVABLE, REPORT_IMAGES

#: Marks a directory whose results a demo wrote, so that the next demo may replace them.
MARKER: Final = ".melanoma-demo"

# Names that a report gives to its pictures.
_PICTURE: Final = re.compile(r"[0-9a-f]{32}(-evidence)?\.jpg")


class OutputError(Exception):
    """Raised when the demo must not write to a directory. The message tells the user why and what to do."""


def check_output(out: Path, folder: Path | None) -> None:
    """Check that the demo may write to `out`, without changing anything.

    Args:
        out: The output directory. It may be missing, empty, or hold the results of an earlier demo.
        folder: The folder of images that the demo submits, None for the rendered samples.

    Raises:
        OutputError: `out` is no directory, is or contains `folder`, or holds files that no demo wrote.
    """
    try:
        if folder is not None and folder.resolve().is_relative_to(out.resolve()):
            raise OutputError(
                f"the results cannot go to {out}: it is, or contains, the folder to classify ({folder})."
                " Choose another --out."
            )
        if not out.exists() and not out.is_symlink():
            return
        if not out.is_dir():
            raise OutputError(f"{out} is not a directory. Choose another --out.")
        if not (out / MARKER).is_file() and any(out.iterdir()):
            raise OutputError(
                f"{out} holds files that no demo wrote, and they are not touched. Choose another --out, or an empty"
                " directory."
            )
    except (OSError, RuntimeError) as error:  # RuntimeError: circular links, in Python 3.11 and 3.12
        raise OutputError(f"{out} cannot be used for the results: {error}. Choose another --out.") from error


def clear_output(out: Path, folder: Path | None) -> None:
    """Make `out`, remove the results of an earlier demo and mark the directory. Other files in it stay.

    Raises:
        OutputError: As `check_output`, or a file cannot be removed or written.
    """
    check_output(out, folder)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / MARKER).touch()
        for name in REMOVABLE:
            (out / name).unlink(missing_ok=True)
        for picture in (out / REPORT_IMAGES).glob("*.jpg"):
            if _PICTURE.fullmatch(picture.name):
                picture.unlink()
    except OSError as error:
        raise OutputError(f"{out} cannot be used for the results: {error}. Choose another --out.") from error
