"""The ISIC archive, through its own command `isic` (package isic-cli), where that is installed."""

import shutil
import subprocess
from pathlib import Path

from training.data.sources import ISIC_ARCHIVE
from training.errors import TrainingError


def fetch_isic_archive(data: Path, collections: str, search: str) -> Path:
    """Have `isic` download pictures and their `metadata.csv`; returns the folder. It resumes and shows progress itself.

    Raises `TrainingError` where the command is not there, or where it fails.
    """
    command = shutil.which("isic")
    if command is None:
        raise TrainingError("The ISIC archive has its own client: install it with `pip install isic-cli`.")
    folder = data / ISIC_ARCHIVE
    folder.mkdir(parents=True, exist_ok=True)
    options = [*(["--collections", collections] if collections else []), *(["--search", search] if search else [])]
    done = subprocess.run([command, "image", "download", *options, str(folder)], check=False)  # noqa: S603
    if done.returncode:
        raise TrainingError(f"`isic image download` stopped with exit code {done.returncode}; what it said is above.")
    return folder
