"""Progress for people: a live bar on a terminal, a line now and then elsewhere. All of it on stderr."""

import logging
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from bulk.run.stats import RunStats

_LINE_EVERY_S: Final = 10.0
_REDRAW_EVERY_S: Final = 0.2


class ProgressDisplay:
    """Shows how a run of `total` pictures goes. Log lines are printed above the bar."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._bar = _Bar(
            SpinnerColumn(),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=total, counts="")
        self._redrawn = 0.0
        self._said = time.monotonic()
        self._state = ""

    def update(self, tally: RunStats, state: str) -> None:
        """Show the counts and what is being waited for; cheap enough to be called at every turn."""
        now = time.monotonic()
        if self._console.is_terminal:
            if now - self._redrawn >= _REDRAW_EVERY_S:
                self._redrawn = now
                self._redraw(tally, state)
        elif now - self._said >= _LINE_EVERY_S or state not in ("", self._state):
            self._said, self._state = now, state
            line = f"{tally.done} of {max(self._total, tally.done)}, {_counts(tally)}"
            self.print(f"{line}, {state}" if state else line)

    def finish(self, tally: RunStats) -> None:
        """Show the bar as it stands at the end."""
        if self._console.is_terminal:
            self._redraw(tally, "")

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        """Show the bar, and send log lines above it."""
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(_Above(self))
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()

    def _redraw(self, tally: RunStats, state: str) -> None:
        self._bar.state = state
        total = max(self._total, tally.done)
        self._bar.update(self._task, completed=tally.done, total=total, counts=_counts(tally), refresh=True)


class _Bar(Progress):
    """The bar, and beneath it what is being waited for."""

    state = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.state:
            yield Text(self.state, style="yellow")


class _Above:
    """A stream that prints above the bar."""

    def __init__(self, display: ProgressDisplay) -> None:
        self._display = display

    def write(self, text: str) -> int:
        if line := text.rstrip("\n"):
            self._display.print(line)
        return len(text)

    def flush(self) -> None:
        """Everything is printed at once."""


def _counts(tally: RunStats) -> str:
    return f"{tally.rate():.1f}/s, {tally.kinds['refusal']} refused, {tally.kinds['failure']} failed"
