"""ISIC 2017: the challenge's own split, with pictures of UDA-1 among those to train on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.data.records.csv_table import MANIFEST, rows, there, unknown
from training.data.records.labelled_image import Population, Share
from training.data.records.labels import isic2017_label
from training.data.records.record import Record, Shows

ISIC2017: Final = "isic2017"
LICENCE: Final = "believed CC-0, to be confirmed"

_SHARES: Final = {
    "train": Share.TRAIN,
    "train_extra_uda1": Share.TRAIN,
    "valid": Share.VALID,
    "test": Share.TEST,
}


def isic2017(folder: Path) -> Iterator[Record]:
    """Records of the pictures `<split>/<label>/<file>`. Raises `TrainingError` as `read_pictures` does."""
    table = folder / MANIFEST
    for row in rows(table, ("split", "label", "dx", "file")):
        try:
            label, share = isic2017_label(row["dx"], row["label"]), _SHARES[row["split"]]
        except KeyError as error:
            raise unknown(table, error.args[0]) from error
        yield Record(
            path=there(folder / row["split"] / row["label"] / row["file"]),
            shows=Shows.LESION,
            label=label,
            source=ISIC2017,
            population=Population.DERMATOSCOPE,
            licence=LICENCE,
            group=Path(row["file"]).stem,
            share=share,
            diagnosis=row["dx"] or row["label"],
        )
