"""Downloads from the ISIC archive by its own command `isic` (package isic-cli)."""

import shutil
import subprocess
from pathlib import Path

from training.data.sources import ISIC_ARCHIVE
from training.errors import TrainingError


def fetch_isic_archive(data: Path, collections: str, search: str) -> Path:
    """Download images and `metadata.csv` by `isic`, which resumes and shows its progress itself.

    `collections` and `search` are options of `isic`; empty for all images. `data` is the folder of all data sets.

    Returns:
        Folder of the images.

    Raises:
        TrainingError: If the command is not installed or fails.
    """
    command = shutil.which("isic")
    if command is None:
        raise TrainingError("The ISIC archive has its own client: install it with `pip install isic-cli`.")
    folder = data / ISIC_ARCHIVE
    folder.mkdir(parents=True, exist_ok=True)
    options = [*(["--collections", collections] if collections else []), *(["--search", search] if search else [])]
    result = subprocess.run([command, "image", "download", *options, str(folder)], check=False)  # noqa: S603
    if result.returncode:
        raise TrainingError(f"`isic image download` stopped with exit code {result.returncode}; its output is above.")
    return folder
