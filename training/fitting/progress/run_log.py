"""What a run writes of itself: a line an epoch as CSV, curves as a picture, and events for TensorBoard if asked."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from training.errors import TrainingError
from training.fitting.progress.curves import plot_curves

LOG_NAME: Final = "log.csv"
CURVES_NAME: Final = "curves.png"

Row = Mapping[str, float]


class RunLog:
    """The log in `directory`, from epoch `after` on: what an earlier run wrote of later ones is dropped.

    Raises `TrainingError` where `tensorboard` is wanted and not installed.
    """

    def __init__(self, directory: Path, after: int, tensorboard: bool = False) -> None:
        self._directory = directory
        self._rows: list[Row] = [row for row in read_log(directory) if row["epoch"] <= after]
        self._writer = None
        if tensorboard:
            try:
                from tensorboard.summary import Writer
            except ImportError as error:
                raise TrainingError("TensorBoard is not installed: pip install tensorboard.") from error
            self._writer = Writer(str(directory))

    def write_epoch(self, row: Row) -> None:
        """Add an epoch's figures."""
        self._rows.append(row)
        names = list(dict.fromkeys(name for one in self._rows for name in one))
        with (self._directory / LOG_NAME).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(self._rows)
        plot_curves(self._rows, self._directory / CURVES_NAME)
        if self._writer is not None:
            for name, value in row.items():
                self._writer.add_scalar(name, value, step=int(row["epoch"]))
            self._writer.flush()


def read_log(directory: Path) -> Sequence[Row]:
    """The figures of each epoch so far; none where there is no log."""
    path = directory / LOG_NAME
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return [{name: _number(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]


def _number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)
