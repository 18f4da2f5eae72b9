"""The data sets as they lie in one folder, each in a folder of its own with its `manifest.csv`."""

from pathlib import Path

from training.data.records.record import Record
from training.data.sources.ham10000 import HAM10000, ham10000
from training.data.sources.isic2017 import ISIC2017, isic2017
from training.data.sources.isic_archive import ISIC_ARCHIVE, isic_archive
from training.data.sources.phone import PHONE_FOLDER, phone
from training.errors import TrainingError


def read_folders(data: Path) -> list[Record]:
    """Everything in `isic2017/`, `ham10000/` and, where they are there, `phone/` and `isic-archive/`, in their order.

    Raises `TrainingError` where a folder, a manifest, a column or a picture is missing, or where a word of
    a manifest is not known.
    """
    if not data.is_dir():
        raise TrainingError(f"There is no folder {data}: name the one that holds {ISIC2017}/ and {HAM10000}/.")
    return [
        *isic2017(data / ISIC2017),
        *ham10000(data / HAM10000),
        *phone(data / PHONE_FOLDER),
        *isic_archive(data / ISIC_ARCHIVE),
    ]
