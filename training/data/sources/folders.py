"""The data sets as they lie in one folder, each in a folder of its own with its `manifest.csv`."""

from pathlib import Path

from training.data.records.record import ImageRecord
from training.data.sources.ham10000 import HAM10000, read_ham10000
from training.data.sources.isic2017 import ISIC2017, read_isic2017
from training.data.sources.isic_archive import ISIC_ARCHIVE, read_isic_archive
from training.data.sources.phone import PHONE_FOLDER, read_phone_folder
from training.errors import TrainingError


def read_folders(data: Path) -> list[ImageRecord]:
    """Everything in `isic2017/`, `ham10000/` and, where they are there, `phone/` and `isic-archive/`, in their order.

    Raises `TrainingError` where a folder, a manifest, a column or a picture is missing, or where a word of
    a manifest is not known.
    """
    if not data.is_dir():
        raise TrainingError(f"There is no folder {data}: name the one that holds {ISIC2017}/ and {HAM10000}/.")
    return [
        *read_isic2017(data / ISIC2017),
        *read_ham10000(data / HAM10000),
        *read_phone_folder(data / PHONE_FOLDER),
        *read_isic_archive(data / ISIC_ARCHIVE),
    ]
