"""Progress display on stderr: a live bar on a terminal, a line every ten seconds elsewhere."""

import logging
import time
from collections.abc import Iterable
from typing import Final, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from bulk.results.run_stats import RunStats

_LINE_INTERVAL_S: Final = 10.0
_REDRAW_INTERVAL_S: Final = 0.2


class ProgressDisplay:
    """Shows the progress of a run of `total` images. Log lines are printed above the bar."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._bar = _Bar(
            SpinnerColumn("dots" if console.encoding.startswith("utf") else "line"),
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
        self._line_printed = time.monotonic()
        self._status = ""

    def update(self, stats: RunStats, status: str) -> None:
        """Show the counts, and what the run is waiting for. Cheap enough to be called in every loop."""
        now = time.monotonic()
        if self._console.is_terminal:
            if now - self._redrawn >= _REDRAW_INTERVAL_S:
                self._redrawn = now
                self._redraw(stats, status)
        elif now - self._line_printed >= _LINE_INTERVAL_S or status not in ("", self._status):
            self._line_printed, self._status = now, status
            line = f"{stats.done} of {max(self._total, stats.done)}, {_counts(stats)}"
            self.print(f"{line}, {status}" if status else line)

    def finish(self, stats: RunStats) -> None:
        """Draw the bar for the last time."""
        if self._console.is_terminal:
            self._redraw(stats, "")

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        """Show the bar, and send log lines above it."""
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(_LinesAboveBar(self))
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bar as it is."""
        self._bar.stop()

    def _redraw(self, stats: RunStats, status: str) -> None:
        self._bar.status = status
        total = max(self._total, stats.done)
        self._bar.update(self._task, completed=stats.done, total=total, counts=_counts(stats), refresh=True)


class _Bar(Progress):
    """The bar, and below it what the run is waiting for."""

    status = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.status:
            yield Text(self.status, style="yellow")


class _LinesAboveBar:
    """A stream that prints above the bar."""

    def __init__(self, display: ProgressDisplay) -> None:
        self._display = display

    def write(self, text: str) -> int:
        if line := text.rstrip("\n"):
            self._display.print(line)
        return len(text)

    def flush(self) -> None:
        """Do nothing: lines are printed at once."""


def _counts(stats: RunStats) -> str:
    return f"{stats.rate():.1f}/s, {stats.kinds['refusal']} refused, {stats.kinds['failure']} failed"
