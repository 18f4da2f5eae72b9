"""Reads the data sets: which picture is what, and which share of the work it belongs to.

A data set is a folder with `manifest.csv`. No lesion is in two shares.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from training.data.labels import ham10000_label, isic2017_label, pad_ufes_20_label
from training.data.picture import Picture, Population, Share
from training.errors import TrainingError

#: Share of HAM10000's lesions that is held out for validation and calibration.
HELD_OUT: Final = 0.15

ISIC2017: Final = "isic2017"
HAM10000: Final = "ham10000"
PAD_UFES_20: Final = "pad_ufes_20"
#: Folder of all that was taken by phones.
PHONE_FOLDER: Final = "phone"

_ISIC2017_SHARES: Final = {
    "train": Share.TRAIN,
    "train_extra_uda1": Share.TRAIN,
    "valid": Share.VALID,
    "test": Share.TEST,
}


def read_pictures(data: Path) -> list[Picture]:
    """Read ISIC 2017, HAM10000 and, where it is there, PAD-UFES-20 from the folder `data`, in the manifests' order.

    Raises `TrainingError` where a folder, a manifest, a column or a picture is missing, or where a word of
    a manifest is not known.
    """
    if not data.is_dir():
        raise TrainingError(f"There is no folder {data}: name the one that holds {ISIC2017}/ and {HAM10000}/.")
    return [*_isic2017(data / ISIC2017), *_ham10000(data / HAM10000), *_pad_ufes_20(data / PHONE_FOLDER)]


def held_out(lesion: str, share: float = HELD_OUT) -> bool:
    """Whether a lesion is among the `share` of lesions that is held out of training.

    Decided by its name alone, so all pictures of a lesion go the same way, on every machine and whatever
    else is in the manifest.
    """
    number = int.from_bytes(hashlib.sha256(lesion.encode()).digest()[:8], "big")
    return number < share * 2**64


def _isic2017(folder: Path) -> Iterator[Picture]:
    for row in _rows(folder, ("split", "label", "dx", "file")):
        try:
            label, share = isic2017_label(row["dx"], row["label"]), _ISIC2017_SHARES[row["split"]]
        except KeyError as error:
            raise _unknown(folder, error) from error
        if label is not None:
            yield Picture(
                path=_there(folder / row["split"] / row["label"] / row["file"]),
                label=label,
                source=ISIC2017,
                population=Population.DERMATOSCOPE,
                group=Path(row["file"]).stem,
                share=share,
                diagnosis=row["dx"] or row["label"],
            )


def _ham10000(folder: Path) -> Iterator[Picture]:
    for row in _rows(folder, ("file", "dx", "lesion_id")):
        try:
            label = ham10000_label(row["dx"])
        except KeyError as error:
            raise _unknown(folder, error) from error
        yield Picture(
            path=_there(folder / row["file"]),
            label=label,
            source=HAM10000,
            population=Population.DERMATOSCOPE,
            group=row["lesion_id"],
            share=Share.VALID if held_out(row["lesion_id"]) else Share.TRAIN,
            diagnosis=row["dx"],
            age=_number(row.get("age")),
            sex=row.get("sex") or "",
        )


def _pad_ufes_20(folder: Path) -> Iterator[Picture]:
    """All of it is trained on and measured out of fold."""
    if not folder.is_dir():
        return
    for row in _rows(folder, ("file", "source", "group_id")):
        if row["source"] != PAD_UFES_20:
            continue
        try:
            label = pad_ufes_20_label(row["diagnosis"])
        except KeyError as error:
            raise _unknown(folder, error) from error
        yield Picture(
            path=_there(folder / row["file"]),
            label=label,
            source=PAD_UFES_20,
            population=Population.PHONE,
            group=row["group_id"],
            share=Share.TRAIN,
            fold=_number(row["fold"]),
            diagnosis=row["diagnosis"],
            skin_type=_number(row.get("fitzpatrick")),
            pen=float(row.get("pen_frac") or 0),
        )


def _number(text: str | None) -> int | None:
    return int(float(text)) if text else None


def _there(path: Path) -> Path:
    if not path.is_file():
        raise TrainingError(f"The manifest beside it names {path}, which is not there.")
    return path


def _unknown(folder: Path, error: KeyError) -> TrainingError:
    return TrainingError(f"{folder / 'manifest.csv'} has the word {error.args[0]!r}, which is not known.")


def _rows(folder: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    path = folder / "manifest.csv"
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise TrainingError(f"{path} lacks the column {min(missing)!r}.")
            yield from reader
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path} cannot be read: each data set needs its manifest.csv.") from error


class Kind(StrEnum):
    """What a phone picture shows."""

    LESION = "phone_lesion"
    SKIN = "phone_skin"
    HAND = "phone_hand"
    THING = "phone_thing"


_KINDS: Final = {
    "pad_ufes_20": Kind.LESION,
    "pad_skin_patch": Kind.SKIN,
    "sign_digits_hands": Kind.HAND,
    "imagenet_sample": Kind.THING,
}


@dataclass(frozen=True)
class PhonePicture:
    """A picture by a phone, of a lesion or not. `held` is true for the half that is only measured on."""

    path: Path
    kind: Kind
    held: bool


def read_phone(data: Path) -> list[PhonePicture]:
    """Phone pictures from `phone/` in the folder `data`; none where there is no such folder.

    Pictures of a patient or a hand's owner are on one side. Raises `TrainingError` as `read_pictures` does.
    """
    folder = data / PHONE_FOLDER
    found: list[PhonePicture] = []
    if folder.is_dir():
        for row in _rows(folder, ("file", "source", "group_id")):
            kind = _KINDS.get(row["source"])
            if kind is None:
                raise _unknown(folder, KeyError(row["source"]))
            held = held_out(row["group_id"] or row["file"], share=0.5)
            found.append(PhonePicture(path=folder / row["file"], kind=kind, held=held))
    return found
