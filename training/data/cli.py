"""`melanoma-data`: brings the pictures together, and says which may be used for what."""

from collections.abc import Iterator
from contextlib import contextmanager
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

from training.errors import TrainingError

_FOLDER = click.Path(file_okay=False, path_type=Path)


@contextmanager
def _report_errors() -> Iterator[None]:
    """What the person can mend is said in one sentence."""
    try:
        yield
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'A file'}: {error.strerror or error}.") from error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Bring the pictures for training together: fetch them, find what is there twice, write one manifest.

    Pictures are under their sources' licences, which the manifest names; HAM10000 is for non-commercial use.
    """


@cli.command("fetch")
@click.argument("data", type=_FOLDER)
@click.option(
    "--source",
    "sources",
    multiple=True,
    type=click.Choice(["isic2017", "ham10000", "pad_ufes_20", "isic-archive"]),
    help="Which data set; may be given several times.  [default: the first three]",
)
@click.option("--mirror", metavar="URL", help="Where the files lie as URL/SOURCE/NAME, instead of at their publishers.")
@click.option(
    "--collections", default="", metavar="IDS", help="For the ISIC archive: its collections, as `isic` names them."
)
@click.option("--search", default="", metavar="QUERY", help="For the ISIC archive: what `isic` is to search for.")
def fetch_command(data: Path, sources: tuple[str, ...], mirror: str | None, collections: str, search: str) -> None:
    """Fetch data sets into DATA, check them, and lay them out for `build`.

    After a stop the same command goes on where it was. Files that were fetched once and differ now are refused:
    DATA/fetched/SOURCE/fetched.json keeps their digests. Takes about 11 GB, and as much again unpacked.
    """
    from training.data.fetching.fetcher import fetch_data_set
    from training.data.fetching.isic_client import fetch_isic_archive
    from training.data.sources import ISIC_ARCHIVE

    screen = Console(highlight=False)
    with _report_errors():
        for source in sources or ("isic2017", "ham10000", "pad_ufes_20"):
            if source == ISIC_ARCHIVE:
                screen.print(f"{source} is in {fetch_isic_archive(data, collections, search)}", soft_wrap=True)
                continue
            with Progress(
                TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=screen
            ) as bars:
                images = fetch_data_set(source, data, _ProgressBars(bars), mirror)
            screen.print(f"{source}: {images} pictures are in {data}", soft_wrap=True)


class _ProgressBars:
    """A bar for each thing that is told of by name, done, and whole."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, whole: int | None) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what)
        self._bars.update(self._tasks[what], completed=done, total=whole)


@cli.command("build")
@click.argument("data", type=_FOLDER)
@click.option("--out", type=_FOLDER, help="Folder for the manifest and the report.  [default: DATA]")
def build_command(data: Path, out: Path | None) -> None:
    """Write one manifest of the data sets in DATA: isic2017/, ham10000/ and, where there, phone/ and isic-archive/.

    Pictures that are there twice are dropped, the test's copy stays, and no lesion or patient is on two sides of a
    split. The pictures are left where they are. melanoma-train then takes the manifest's folder as its --data.
    """
    # Only now: what a build needs takes a second to import, and --help should not.
    from training.data.building.console_report import print_report
    from training.data.building.manifest_builder import build_manifest

    screen = Console(highlight=False)
    with _report_errors():
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=screen
        ) as bars:
            report = build_manifest(data, out or data, _ProgressBars(bars))
        report.write(out or data)
        print_report(report, screen)
        screen.print(f"The manifest is {(out or data) / 'manifest.csv'}, the report beside it.", soft_wrap=True)
