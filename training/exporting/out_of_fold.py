"""`out_of_fold.csv` of an artefact: predictions for images by models that were not trained on their fold.

The artefact's own graph was trained on these images, so its predictions for them measure nothing. The table has one row
per image: `source` and `picture`, the image's source and the name of its file without the ending; `fold`; `head`, the
population whose head made the prediction; `distance` from that population, empty where it is not known; the calibrated
probability of each label, under the label's name; the probability of each kind, under `kind_` and the kind's name.

Images of no lesion have a row, too, if they show skin of a patient of a fold. Their probabilities of labels are 0.
"""

import csv
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from training.errors import TrainingError
from training.metrics.bootstrap import Floats

FILE_NAME: Final = "out_of_fold.csv"
_KIND_PREFIX: Final = "kind_"
_KEYS: Final = ("source", "picture", "fold", "head", "distance")


@dataclass(frozen=True)
class OutOfFoldTable:
    """Predictions for n images; every field has one row per image.

    Attributes:
        names: Source of the image, and name of its file without the ending.
        folds: int64 [n], the fold that the model was not trained on.
        heads: Population whose head made the prediction.
        distance: Feature distance [n] from that population; nan where it is not known.
        labels: Names of the columns of `probabilities`.
        kind_names: Names of the columns of `kinds`.
        probabilities: float64 [n, labels], calibrated by the predictions for the other folds.
        kinds: float64 [n, kinds], each row summing to 1.
    """

    names: tuple[tuple[str, str], ...]
    folds: npt.NDArray[np.int64]
    heads: tuple[str, ...]
    distance: Floats
    labels: tuple[str, ...]
    kind_names: tuple[str, ...]
    probabilities: Floats
    kinds: Floats


def write_out_of_fold(path: Path, table: OutOfFoldTable) -> None:
    """Replace the file atomically."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*_KEYS, *table.labels, *(_KIND_PREFIX + name for name in table.kind_names)])
        values = np.concatenate([table.probabilities, table.kinds], axis=1)
        rows = zip(table.names, table.folds, table.heads, table.distance.tolist(), values, strict=True)
        for name, fold, head, distance, row in rows:
            writer.writerow([*name, int(fold), head, "" if math.isnan(distance) else distance, *map(float, row)])
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
    start = len(_KEYS)
    labels = tuple(name for name in header[start:] if not name.startswith(_KIND_PREFIX))
    kinds = tuple(name.removeprefix(_KIND_PREFIX) for name in header[start:] if name.startswith(_KIND_PREFIX))
    if header != [*_KEYS, *labels, *(_KIND_PREFIX + name for name in kinds)] or not labels or not kinds or not rows:
        raise TrainingError(f"{path} is no table of out-of-fold predictions: {', '.join(_KEYS)}, labels, kinds.")
    values = np.array([_parse_numbers(path, line, row, len(header)) for line, row in enumerate(rows, start=2)])
    names = tuple((row[0], row[1]) for row in rows)
    (name, count), *_ = Counter(names).most_common(1)
    if count > 1:
        raise TrainingError(f"{path} has {count} rows for {name[1]} of {name[0]}.")
    return OutOfFoldTable(
        names=names,
        folds=values[:, 0].astype(np.int64),
        heads=tuple(row[3] for row in rows),
        distance=values[:, 1],
        labels=labels,
        kind_names=kinds,
        probabilities=values[:, 2 : 2 + len(labels)],
        kinds=values[:, 2 + len(labels) :],
    )


def _parse_numbers(path: Path, line: int, row: list[str], columns: int) -> list[float]:
    """Fold, distance, probabilities of labels and kinds."""
    try:
        fold, distance, *probabilities = [float(text or "nan") for text in (row[2], *row[4:])]
    except (ValueError, IndexError):
        fold, distance, probabilities = math.nan, math.nan, []
    is_known = fold >= 0 and fold == int(fold) and not distance < 0 and not math.isinf(distance)
    if len(row) != columns or not is_known or not all(math.isfinite(number) for number in probabilities):
        raise TrainingError(f"{path}, line {line}: not {', '.join(_KEYS)} and {columns - len(_KEYS)} probabilities.")
    if not all(0 <= number <= 1 for number in probabilities):
        raise TrainingError(f"{path}, line {line}: a probability is not between 0 and 1.")
    return [fold, distance, *probabilities]
