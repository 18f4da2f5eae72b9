"""Summary that the command prints to stdout at the end."""

from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bulk import filenames
from bulk.inputs.scanner import Skipped
from bulk.report.row_formatting import (
    BAND_TITLES,
    format_advice,
    format_duration,
    format_percent,
    format_receipt_short,
)
from bulk.results.reason_texts import describe
from bulk.results.result_row import ResultRow
from bulk.results.results_file import read_results
from bulk.results.run_stats import RunStats
from shared.contract import run_files
from shared.contract.decision import Band, FailureReason

#: A run with more images gets no table: the files of the output directory list its results.
MAX_TABLE_ROWS: Final = 30
# On a narrower terminal a picture takes two lines instead of a row.
_MIN_TABLE_WIDTH: Final = 80
_BAND_STYLES: Final = {
    Band.HIGH: "bold red",
    Band.ELEVATED: "yellow",
    Band.LOW: "green",
    Band.UNCERTAIN: "magenta",
}


def print_summary(console: Console, stats: RunStats, skipped: Skipped, results: Path) -> None:
    """Print the table of a small run, then counts, reasons, speeds and what was skipped."""
    if 0 < stats.done <= MAX_TABLE_ROWS:
        rows = sorted((row for _, row in read_results(results)), key=_sort_key)
        if console.width < _MIN_TABLE_WIDTH:
            for row in rows:
                console.print(_narrow(row), soft_wrap=True)
        else:
            console.print(_table(rows))
    for line in [*_stats_lines(stats), *_skipped_lines(skipped)]:
        console.print(line, soft_wrap=True)


def _sort_key(row: ResultRow) -> tuple[int, float]:
    """Verdicts by probability, the highest first, then refusals, then failures."""
    probability = row.verdict.probability if row.verdict else 0.0
    return ("verdict", "refusal", "failure").index(row.decision.kind), -probability


def _table(rows: list[ResultRow]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("File", overflow="fold", min_width=16)
    table.add_column("Band", no_wrap=True)
    table.add_column("Prob.", justify="right", no_wrap=True)
    table.add_column("Evidence", overflow="fold")
    table.add_column("Time", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(Text(filenames.visible(row.name)), *_cells(row), format_duration(row.seconds))
    return table


def _narrow(row: ResultRow) -> Text:
    outcome, probability, evidence = _cells(row)
    return Text.assemble(f"{filenames.visible(row.name)}\n  ", outcome, f" {probability} {evidence}".rstrip())


def _cells(row: ResultRow) -> tuple[Text, str, str]:
    """Band or kind, probability and evidence of a row. No-break spaces exist in few encodings of terminals."""
    if verdict := row.verdict:
        advice = format_advice(row)
        evidence = format_receipt_short(verdict.receipt) + (f"; picture {advice}" if advice else "")
        band = Text(BAND_TITLES[verdict.band], style=_BAND_STYLES[verdict.band])
        return band, format_percent(verdict.probability).replace("\N{NO-BREAK SPACE}", " "), evidence
    kind = Text("Refused" if row.decision.kind == "refusal" else "Failed", style="bold")
    return kind, "", (row.reason or "").replace("_", " ")


def _stats_lines(stats: RunStats) -> list[Text]:
    bands = ", ".join(
        f"{stats.bands[band]} {title.lower()}" for band, title in BAND_TITLES.items() if stats.bands[band]
    )
    kinds = stats.kinds
    verdicts = f"{kinds['verdict']} verdict{'' if kinds['verdict'] == 1 else 's'}"
    lines = [
        Text(
            f"\n{stats.done} picture{'' if stats.done == 1 else 's'}: {verdicts}{f' ({bands})' if bands else ''}, "
            f"{kinds['refusal']} refused, {kinds['failure']} failed"
        )
    ]
    for reason, count in stats.reasons.most_common():
        kind = "failed" if isinstance(reason, FailureReason) else "refused"
        lines.append(Text(f"  {count} {kind}, {reason.replace('_', ' ')}: {describe(reason)}"))
    if stats.set_aside:
        lines.append(
            Text(
                f"{stats.set_aside} of them had an earlier result that did not hold any more; it is in"
                f" {run_files.REPLACED}"
            )
        )
    if stats.resumed:
        lines.append(Text(f"{stats.resumed} of them were finished by earlier starts of this run"))
    if stats.done_by_this_process:
        lines.append(Text(_speed(stats)))
    if kinds["verdict"]:
        lines.append(Text("This is no diagnosis. A low result does not exclude melanoma."))
    return lines


def _speed(stats: RunStats) -> str:
    text = f"{stats.rate():.1f} pictures/s ({stats.done_by_this_process} in {format_duration(stats.seconds())})"
    batch_size, p50, p99 = stats.mean_batch_size(), stats.latency_quantile(0.5), stats.latency_quantile(0.99)
    if batch_size is None or p50 is None or p99 is None:
        return text
    return (
        f"{text}, mean batch {batch_size:.1f}, from submission to verdict "
        f"p50 {format_duration(p50)}, p99 {format_duration(p99)}"
    )


def _skipped_lines(skipped: Skipped) -> list[Text]:
    parts = []
    if other_files := skipped.other_files.total():
        extensions = ", ".join(filenames.visible(extension) for extension, _ in skipped.other_files.most_common(5))
        parts.append(f"{other_files} other files ({extensions})")
    if skipped.companions:
        parts.append(f"{skipped.companions} masks and superpixels of other pictures")
    if skipped.hidden:
        parts.append(f"{skipped.hidden} hidden")
    if skipped.folders:
        parts.append(f"{skipped.folders} sub-folders (--recursive enters them)")
    if skipped.linked_folders:
        parts.append(f"{skipped.linked_folders} linked folders")
    return [Text(f"Skipped: {', '.join(parts)}")] if parts else []
