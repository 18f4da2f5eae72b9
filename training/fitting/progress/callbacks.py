"""The callback of a run, and the progress bar that implements it."""

from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.fitting.recipe import Recipe


class TrainingCallback(Protocol):
    """Receives the progress of a run."""

    def on_message(self, text: str) -> None:
        """Handle one line of text."""

    def on_batch_end(self, epoch: int, done: int, loss: float) -> None:
        """Handle the end of a batch: `done` batches of `epoch`, counted from 0, are done with this mean `loss`."""


class ProgressBar:
    """Shows a bar for each epoch with messages above it, or messages alone if the output is no terminal."""

    def __init__(self, console: Console, recipe: Recipe) -> None:
        self._recipe = recipe
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=recipe.steps_per_epoch)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def on_message(self, text: str) -> None:
        """Print the message."""
        self._progress.console.print(text)

    def on_batch_end(self, epoch: int, done: int, loss: float) -> None:
        """Advance the bar."""
        text = f"epoch {epoch + 1} of {self._recipe.epochs}, {self._recipe.image_size(epoch)} px, loss {loss:.3f}"
        self._progress.update(self._task, completed=done, description=text)
