"""`out_of_fold.csv` of an artefact: predictions for images by models that were not trained on their fold.

The artefact's own graph was trained on these images, so its predictions for them measure nothing. The table has one row
per image: `picture`, the sha256 of its file; `fold`; the calibrated probability of each label, under the label's name;
the probability of each kind, under `kind_` and the kind's name.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from training.errors import TrainingError
from training.metrics.bootstrap import Floats

FILE_NAME: Final = "out_of_fold.csv"
_KIND_PREFIX: Final = "kind_"


@dataclass(frozen=True)
class OutOfFoldTable:
    """Predictions for n images; every field has one row per image.

    Attributes:
        image_sha256: Of the image's file, in hexadecimal.
        folds: int64 [n], the fold that the model was not trained on.
        labels: Names of the columns of `probabilities`.
        kind_names: Names of the columns of `kinds`.
        probabilities: float64 [n, labels], calibrated by the predictions for the other folds.
        kinds: float64 [n, kinds], each row summing to 1.
    """

    image_sha256: tuple[str, ...]
    folds: npt.NDArray[np.int64]
    labels: tuple[str, ...]
    kind_names: tuple[str, ...]
    probabilities: Floats
    kinds: Floats


def write_out_of_fold(path: Path, table: OutOfFoldTable) -> None:
    """Replace the file atomically."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["picture", "fold", *table.labels, *(_KIND_PREFIX + name for name in table.kind_names)])
        values = np.concatenate([table.probabilities, table.kinds], axis=1)
        for sha256, fold, row in zip(table.image_sha256, table.folds, values, strict=True):
            writer.writerow([sha256, int(fold), *map(float, row)])
    temporary.replace(path)


def read_out_of_fold(path: Path) -> OutOfFoldTable:
    """Read the file.

    Raises:
        TrainingError: The file cannot be read, or is not an `out_of_fold.csv`.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            header, *rows = list(csv.reader(stream)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrainingError(f"{path} cannot be read: {error}.") from error
    labels = tuple(name for name in header[2:] if not name.startswith(_KIND_PREFIX))
    kinds = tuple(name.removeprefix(_KIND_PREFIX) for name in header[2:] if name.startswith(_KIND_PREFIX))
    if (
        header != ["picture", "fold", *labels, *(_KIND_PREFIX + name for name in kinds)]
        or not labels
        or not kinds
        or not rows
    ):
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
        raise TrainingError(f"{path}, line {line}: not a picture, a fold and {columns - 2} probabilities.")
    if not all(0 <= number <= 1 for number in numbers[1:]):
        raise TrainingError(f"{path}, line {line}: a probability is not between 0 and 1.")
    return numbers
