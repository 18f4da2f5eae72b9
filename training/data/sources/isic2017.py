"""Reads ISIC 2017 with the challenge's own split; images of UDA-1 are added to its training images."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.data.records.csv_table import MANIFEST_NAME, read_rows, require_file, unknown_value_error
from training.data.records.labelled_image import ImageRecord, Population, Split, Subject
from training.data.records.labels import map_isic2017_label

ISIC2017: Final = "isic2017"
LICENCE: Final = "believed CC-0, to be confirmed"

#: Table of training images that are known to show a lesion of the other splits, of which nothing else tells.
_SAME_LESIONS_NAME: Final = "train_same_lesion_as_test.csv"

_SPLITS: Final = {
    "train": Split.TRAIN,
    "train_extra_uda1": Split.TRAIN,
    "valid": Split.VALID,
    "test": Split.TEST,
}


def read_isic2017(folder: Path) -> Iterator[ImageRecord]:
    """Read the records of the images `<split>/<label>/<file>`. Raises `TrainingError` as `read_folders` does."""
    table = folder / MANIFEST_NAME
    groups = _read_same_lesions(folder / _SAME_LESIONS_NAME)
    for row in read_rows(table, ("split", "label", "dx", "file")):
        try:
            label, split = map_isic2017_label(row["dx"], row["label"]), _SPLITS[row["split"]]
        except KeyError as error:
            raise unknown_value_error(table, error.args[0]) from error
        name = f"{row['split']}/{row['label']}/{row['file']}"
        yield ImageRecord(
            path=require_file(folder / name),
            subject=Subject.LESION,
            label=label,
            source=ISIC2017,
            population=Population.DERMATOSCOPE,
            licence=LICENCE,
            group=groups.get(Path(row["file"]).stem, Path(row["file"]).stem),
            split=split,
            diagnosis=row["dx"] or row["label"],
        )


def _read_same_lesions(table: Path) -> dict[str, str]:
    """Read the group of each image in the table, by the image's name without folder and ending; none without a table.

    The group is that of the other image, which the table names with its folder or with its split before it.
    """
    if not table.is_file():
        return {}
    rows = read_rows(table, ("train_file", "other_file"))
    return {Path(row["train_file"]).stem: Path(row["other_file"].split()[-1]).stem for row in rows}
