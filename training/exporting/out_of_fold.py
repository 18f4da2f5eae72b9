"""`out_of_fold.csv` of an artefact: what was predicted of pictures by models that have seen none of their fold.

The artefact's own graph has been trained on these pictures, so nothing that it says of them is a measurement. A row a
picture: `picture`, the sha256 of its file; `fold`; the calibrated probability of each label, under the label's name;
the share of each kind, under `kind_` and the kind's name.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from training.errors import TrainingError

FILE_NAME: Final = "out_of_fold.csv"
_KIND: Final = "kind_"


@dataclass(frozen=True)
class OutOfFoldTable:
    """PredictionBatch of n pictures, a row each in all fields."""

    #: sha256 of the picture's file, in hexadecimal.
    image_sha256: tuple[str, ...]
    #: int64 [n]: the fold that the model had not seen.
    folds: npt.NDArray[np.int64]
    #: Names of the columns of `probabilities` and of `kinds`.
    labels: tuple[str, ...]
    kind_names: tuple[str, ...]
    #: float64 [n, labels], calibrated out of fold too: by the other folds' predictions.
    probabilities: npt.NDArray[np.floating]
    #: float64 [n, kinds], their sum 1.
    kinds: npt.NDArray[np.floating]


def write_out_of_fold(path: Path, table: OutOfFoldTable) -> None:
    """Write the file, replacing it whole. Raises `OSError`."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["picture", "fold", *table.labels, *(_KIND + name for name in table.kind_names)])
        shares = np.concatenate([table.probabilities, table.kinds], axis=1)
        for image, fold, row in zip(table.image_sha256, table.folds, shares, strict=True):
            writer.writerow([image, int(fold), *map(float, row)])
    temporary.replace(path)


def read_out_of_fold(path: Path) -> OutOfFoldTable:
    """Read the file. Raises `TrainingError` where it cannot be read, or is not such a file."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            header, *rows = list(csv.reader(stream)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{path} cannot be read: {error}.") from error
    labels = tuple(name for name in header[2:] if not name.startswith(_KIND))
    kinds = tuple(name.removeprefix(_KIND) for name in header[2:] if name.startswith(_KIND))
    if header != ["picture", "fold", *labels, *(_KIND + name for name in kinds)] or not labels or not kinds or not rows:
        raise TrainingError(f"{path} is no table of out-of-fold predictions: picture, fold, labels, kinds.")
    values = np.array([_parse_numbers(path, line, row, len(header)) for line, row in enumerate(rows, start=2)])
    return OutOfFoldTable(
        image_sha256=tuple(row[0] for row in rows),
        folds=values[:, 0].astype(np.int64),
        labels=labels,
        kind_names=kinds,
        probabilities=values[:, 1 : 1 + len(labels)],
        kinds=values[:, 1 + len(labels) :],
    )


def _parse_numbers(path: Path, line: int, row: list[str], columns: int) -> list[float]:
    try:
        numbers = [float(text) for text in row[1:]]
    except ValueError:
        numbers = []
    if len(row) != columns or len(numbers) != columns - 1 or not all(math.isfinite(number) for number in numbers):
        raise TrainingError(f"{path}, line {line}: not a picture, a fold and {columns - 2} shares.")
    if not all(0 <= number <= 1 for number in numbers[1:]):
        raise TrainingError(f"{path}, line {line}: a share is not between 0 and 1.")
    return numbers
