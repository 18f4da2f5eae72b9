"""The log of a run: a CSV file with one row an epoch, a plot, and optional events for TensorBoard."""

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
    """Writes the log in `directory`. Rows that an earlier run wrote after epoch `last_epoch` are dropped.

    Raises:
        TrainingError: If `tensorboard` is true and TensorBoard is not installed.
    """

    def __init__(self, directory: Path, last_epoch: int, tensorboard: bool = False) -> None:
        self._directory = directory
        self._rows: list[Row] = [row for row in read_log(directory) if row["epoch"] <= last_epoch]
        self._writer = None
        if tensorboard:
            try:
                from tensorboard.summary import Writer
            except ImportError as error:
                raise TrainingError("TensorBoard is not installed: pip install tensorboard.") from error
            self._writer = Writer(str(directory))

    def write_epoch(self, row: Row) -> None:
        """Add the row of an epoch."""
        self._rows.append(row)
        names = list(dict.fromkeys(name for logged in self._rows for name in logged))
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
    """Read the row of each epoch; empty if there is no log."""
    path = directory / LOG_NAME
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return [{name: _parse_number(value) for name, value in row.items() if value} for row in csv.DictReader(stream)]


def _parse_number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)
