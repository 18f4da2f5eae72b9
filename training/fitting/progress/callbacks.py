"""What the person sees of a run while it goes on."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.fitting.recipe import Recipe


class TrainingCallback(Protocol):
    """Is told how a run goes."""

    def on_message(self, text: str) -> None:
        """Pass on one line."""

    def on_batch_end(self, epoch: int, done: int, loss: float) -> None:
        """Note that `done` steps of `epoch`, counted from 0, are done, at this mean loss."""


class ProgressBar:
    """A bar an epoch, and lines above it; lines alone where the output is no terminal."""

    def __init__(self, console: Console, recipe: Recipe) -> None:
        self._recipe = recipe
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("", total=recipe.steps_per_epoch)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def on_message(self, text: str) -> None:
        """Print one line."""
        self._progress.console.print(text)

    def on_batch_end(self, epoch: int, done: int, loss: float) -> None:
        """Move the bar."""
        text = f"epoch {epoch + 1} of {self._recipe.epochs}, {self._recipe.image_size(epoch)} px, loss {loss:.3f}"
        self._progress.update(self._task, completed=done, description=text)
