"""`melanoma-data`: fetches the data sets and writes the manifest of the images that may be used."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from training.cli_errors import report_errors

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Prepare the pictures for training: fetch them, find duplicates, write one manifest.

    Pictures are under the licences of their sources, which the manifest names. HAM10000 is for non-commercial use.
    """


@cli.command("fetch")
@click.argument("data", type=_FOLDER)
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Choice(["isic2017", "ham10000", "pad_ufes_20", "sign_digits_hands", "isic-archive"]),
    help="Data set; may be given several times.  [default: the first four]",
)
@click.option("--mirror", metavar="URL", help="Take the files from URL/SOURCE/NAME, not from their publishers.")
@click.option("--collections", default="", metavar="IDS", help="For the ISIC archive: ids of collections for `isic`.")
@click.option("--search", default="", metavar="QUERY", help="For the ISIC archive: a query for `isic`.")
def fetch_command(data: Path, sources: tuple[str, ...], mirror: str | None, collections: str, search: str) -> None:
    """Fetch data sets into DATA, check them, and unpack them for `build`.

    After a stop the same command resumes. A file that differs from the one that was fetched first is refused:
    DATA/fetched/SOURCE/fetched.json holds the digests. The archives take about 11 GB, and as much again unpacked.
    """
    from training.data.fetching.fetcher import fetch_data_set
    from training.data.fetching.isic_client import fetch_isic_archive
    from training.data.sources import ISIC_ARCHIVE

    screen = Console(highlight=False)
    with report_errors():
        for source in sources or ("isic2017", "ham10000", "pad_ufes_20", "sign_digits_hands"):
            if source == ISIC_ARCHIVE:
                screen.print(f"{source} is in {fetch_isic_archive(data, collections, search)}", soft_wrap=True)
                continue
            with Progress(
                TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=screen
            ) as bars:
                count = fetch_data_set(source, data, _ProgressBars(bars), mirror)
            screen.print(f"{source}: {count} pictures are in {data}", soft_wrap=True)


class _ProgressBars:
    """Shows a progress bar for each task, by its description."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, description: str, done: int, total: int | None) -> None:
        if description not in self._tasks:
            self._tasks[description] = self._bars.add_task(description)
        self._bars.update(self._tasks[description], completed=done, total=total)


@cli.command("build")
@click.argument("data", type=_FOLDER)
@click.option("--out", type=_FOLDER, help="Folder for the manifest and the report.  [default: DATA]")
def build_command(data: Path, out: Path | None) -> None:
    """Write one manifest of the data sets in DATA: isic2017/, ham10000/ and, if they exist, phone/ and isic-archive/.

    Duplicates are dropped; of two copies the one in the test set is kept. No lesion or patient is on two sides of a
    split. The pictures stay where they are. The folder of the manifest is then the --data of melanoma-train.
    """
    # Imported here because it takes a second, and --help should not.
    from training.data.building.console_report import print_report
    from training.data.building.manifest_builder import build_manifest

    screen = Console(highlight=False)
    with report_errors():
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=screen
        ) as bars:
            report = build_manifest(data, out or data, _ProgressBars(bars))
        report.write(out or data)
        print_report(report, screen)
        screen.print(f"The manifest is {(out or data) / 'manifest.csv'}; the report is beside it.", soft_wrap=True)
