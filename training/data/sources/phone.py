"""Pictures by phones: PAD-UFES-20's lesions, and what is no lesion."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.data.records.csv_table import MANIFEST, decimal, number, rows, there, unknown
from training.data.records.labelled_image import Population, Share
from training.data.records.labels import pad_ufes_20_label
from training.data.records.record import Record, Shows
from training.data.sources.holdout import held_out

PAD_UFES_20: Final = "pad_ufes_20"
#: Folder of all that was taken by phones.
PHONE_FOLDER: Final = "phone"

_SHOWS: Final = {
    PAD_UFES_20: Shows.LESION,
    "pad_skin_patch": Shows.SKIN,
    "sign_digits_hands": Shows.HAND,
    "imagenet_sample": Shows.THING,
}


def phone(folder: Path) -> Iterator[Record]:
    """Records of the pictures of `folder`, none where it is not there.

    What has folds is trained on and measured out of fold; of the rest half of the owners are held out. Raises
    `TrainingError` as `read_pictures` does.
    """
    if not folder.is_dir():
        return
    table = folder / MANIFEST
    for row in rows(table, ("file", "source", "group_id")):
        shows = _SHOWS.get(row["source"])
        if shows is None:
            raise unknown(table, row["source"])
        try:
            label = pad_ufes_20_label(row.get("diagnosis", "")) if shows is Shows.LESION else None
        except KeyError as error:
            raise unknown(table, error.args[0]) from error
        group = row["group_id"] or row["file"]
        fold = number(table, row.get("fold", ""))
        yield Record(
            path=there(folder / row["file"]),
            shows=shows,
            label=label,
            source=row["source"],
            population=Population.PHONE,
            licence=row.get("licence", ""),
            group=group,
            share=Share.TEST if fold is None and unseen(group) else Share.TRAIN,
            fold=fold,
            diagnosis=row.get("diagnosis", "") if shows is Shows.LESION else "",
            age=number(table, row.get("age", "")),
            sex=row.get("sex", ""),
            skin_type=number(table, row.get("fitzpatrick", "")),
            pen=decimal(table, row.get("pen_frac", "")),
        )


def unseen(group: str) -> bool:
    """Whether a patient's or owner's pictures are in the half that telling kinds apart is only measured on."""
    return held_out(group, share=0.5)
