"""What the command says at the end, on stdout."""

from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bulk import filenames
from bulk.inputs.scanner import Skipped
from bulk.rejections import describe
from bulk.report import formatting
from bulk.results.results_file import Row, read_results
from bulk.run.stats import RunStats

#: Longer lists are for the report.
MOST_ROWS: Final = 30
_BAND_STYLES: Final = {"high": "bold red", "elevated": "yellow", "low": "green", "uncertain": "magenta"}
_BANDS: Final = ("high", "elevated", "low", "uncertain")


def print_summary(console: Console, tally: RunStats, skipped: Skipped, results: Path) -> None:
    """Print the table of a small run, then counts, reasons, speeds and what was passed over."""
    if 0 < tally.done <= MOST_ROWS:
        console.print(_table([row for _, row in read_results(results)]))
    for line in [*_lines(tally), *_skipped_lines(skipped)]:
        console.print(line, soft_wrap=True)


def sort_key(row: Row) -> tuple[int, float]:
    """Verdicts by probability, the highest first, then refusals, then failures."""
    return ("verdict", "refusal", "failure").index(row["kind"]), -row.get("probability", 0.0)


def _table(rows: list[Row]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    table.add_column("File", overflow="fold", min_width=16)
    table.add_column("Band", no_wrap=True)
    table.add_column("Prob.", justify="right", no_wrap=True)
    table.add_column("Evidence", overflow="fold")
    table.add_column("Time", justify="right", no_wrap=True)
    for row in sorted(rows, key=sort_key):
        file = Text(filenames.visible(filenames.from_fields(row)))
        time = formatting.duration(row["seconds"])
        if row["kind"] == "verdict":
            band = Text(formatting.BAND_TITLES[row["band"]], style=_BAND_STYLES[row["band"]])
            probability = formatting.percent(row["probability"])
            problems = formatting.advice(row)
            evidence = formatting.receipt_short(row) + (f"; picture {problems}" if problems else "")
            table.add_row(file, band, probability, evidence, time)
        else:
            kind = Text("Refused" if row["kind"] == "refusal" else "Failed", style="bold")
            table.add_row(file, kind, "", Text(row["reason"].replace("_", " ")), time)
    return table


def _lines(tally: RunStats) -> list[Text]:
    bands = ", ".join(
        f"{tally.bands[band]} {formatting.BAND_TITLES[band].lower()}" for band in _BANDS if tally.bands[band]
    )
    kinds = tally.kinds
    verdicts = f"{kinds['verdict']} verdict{'' if kinds['verdict'] == 1 else 's'}"
    lines = [
        Text(
            f"\n{tally.done} picture{'' if tally.done == 1 else 's'}: {verdicts}{f' ({bands})' if bands else ''}, "
            f"{kinds['refusal']} refused, {kinds['failure']} failed"
        )
    ]
    for (kind, reason), count in sorted(tally.reasons.items(), key=lambda item: -item[1]):
        word = "refused" if kind == "refusal" else "failed"
        lines.append(Text(f"  {count} {word}, {reason.replace('_', ' ')}: {describe(kind, reason)}"))
    if tally.earlier:
        lines.append(Text(f"{tally.earlier} of them were finished by earlier starts of this run"))
    if tally.now_done:
        speed = f"{tally.rate():.1f} pictures/s ({tally.now_done} in {formatting.duration(tally.seconds())})"
        batch, middle, slow = tally.mean_batch(), tally.latency(0.5), tally.latency(0.99)
        if batch is not None and middle is not None and slow is not None:
            speed += (
                f", mean batch {batch:.1f}, from submission to verdict "
                f"p50 {formatting.duration(middle)}, p99 {formatting.duration(slow)}"
            )
        lines.append(Text(speed))
    if kinds["verdict"]:
        lines.append(Text("This is no diagnosis. A low result does not exclude melanoma."))
    return lines


def _skipped_lines(skipped: Skipped) -> list[Text]:
    parts = []
    if others := skipped.others.total():
        kinds = ", ".join(filenames.visible(extension) for extension, _ in skipped.others.most_common(5))
        parts.append(f"{others} other files ({kinds})")
    if skipped.hidden:
        parts.append(f"{skipped.hidden} hidden")
    if skipped.folders:
        parts.append(f"{skipped.folders} sub-folders (--recursive enters them)")
    if skipped.linked_folders:
        parts.append(f"{skipped.linked_folders} linked folders")
    return [Text(f"Passed over: {', '.join(parts)}")] if parts else []
