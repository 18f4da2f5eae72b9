"""Reads the data sets from one folder: each has a subfolder with its own table."""

from pathlib import Path

from training.data.records.labelled_image import ImageRecord
from training.data.sources.found import FOUND_FOLDER, read_found
from training.data.sources.ham10000 import HAM10000, read_ham10000
from training.data.sources.isic2017 import ISIC2017, read_isic2017
from training.data.sources.isic_archive import ISIC_ARCHIVE, read_isic_archive
from training.data.sources.phone import PHONE_FOLDER, read_phone_folder
from training.errors import TrainingError


def read_folders(data: Path) -> list[ImageRecord]:
    """Read the records of the data sets in their order: the first two must exist.

    Raises:
        TrainingError: If a folder, a manifest, a column or an image is missing, or if a manifest holds an unknown
            value.
    """
    if not data.is_dir():
        raise TrainingError(f"There is no folder {data}: name the one that holds {ISIC2017}/ and {HAM10000}/.")
    return [
        *read_isic2017(data / ISIC2017),
        *read_ham10000(data / HAM10000),
        *read_phone_folder(data / PHONE_FOLDER),
        *read_isic_archive(data / ISIC_ARCHIVE),
        *read_found(data / FOUND_FOLDER),
    ]
