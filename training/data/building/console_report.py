"""Prints the report of a build on the screen."""

from collections import Counter
from typing import Final

from rich.console import Console
from rich.table import Table

from training.data.building.report import DROPPED_NAME, BuildReport

#: Dropped images that the screen shows of each reason; the file has all.
_MAX_EXAMPLES: Final = 3


def print_report(report: BuildReport, screen: Console) -> None:
    """Print the kept images by source and split, then the dropped ones by reason."""
    table = Table("source", "share", "pictures", "classes")
    for source, share in dict.fromkeys((count.source, count.share) for count in report.counts):
        counts = [count for count in report.counts if (count.source, count.share) == (source, share)]
        classes = ", ".join(f"{count.label} {count.pictures}" for count in counts)
        table.add_row(source, share, str(sum(count.pictures for count in counts)), classes)
    screen.print(table)
    screen.print(f"{report.kept} pictures were kept, {len(report.dropped)} were dropped.")
    for reason, total in Counter(entry.reason for entry in report.dropped).most_common():
        screen.print(f"  {total} {reason}")
        for entry in [entry for entry in report.dropped if entry.reason == reason][:_MAX_EXAMPLES]:
            screen.print(f"    {entry.file}, instead of it {entry.kept}", markup=False)
    conflicts = [entry for entry in report.dropped if entry.has_conflicting_labels]
    if conflicts:
        screen.print(f"{len(conflicts)} of them had another label than their copy: see {DROPPED_NAME}.")
