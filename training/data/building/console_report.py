"""The report on the screen."""

from collections import Counter
from typing import Final

from rich.console import Console
from rich.table import Table

from training.data.building.report import DROPPED_NAME, BuildReport

#: Dropped pictures that the screen shows of each reason; the file has all.
_MAX_EXAMPLES: Final = 3


def print_report(report: BuildReport, screen: Console) -> None:
    """Pictures by source and share, then what were dropped."""
    table = Table("source", "share", "pictures", "classes")
    for source, share in dict.fromkeys((one.source, one.share) for one in report.counts):
        those = [one for one in report.counts if (one.source, one.share) == (source, share)]
        classes = ", ".join(f"{one.label} {one.pictures}" for one in those)
        table.add_row(source, share, str(sum(one.pictures for one in those)), classes)
    screen.print(table)
    screen.print(f"{report.kept} pictures stay, {len(report.dropped)} were dropped.")
    for reason, count in Counter(loss.reason for loss in report.dropped).most_common():
        screen.print(f"  {count} {reason}")
        for loss in [loss for loss in report.dropped if loss.reason == reason][:_MAX_EXAMPLES]:
            screen.print(f"    {loss.file}, instead of it {loss.kept}", markup=False)
    contradicting = [loss for loss in report.dropped if loss.has_conflicting_labels]
    if contradicting:
        screen.print(f"{len(contradicting)} of them had another label than their copy: see {DROPPED_NAME}.")
