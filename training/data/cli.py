"""`melanoma-data`: brings the pictures together, and says which may be used for what."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.errors import TrainingError

_folder = click.Path(file_okay=False, path_type=Path)


@contextmanager
def _sentences() -> Iterator[None]:
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


@cli.command("build")
@click.argument("data", type=_folder)
@click.option("--out", type=_folder, help="Folder for the manifest and the report.  [default: DATA]")
def build_command(data: Path, out: Path | None) -> None:
    """Write one manifest of the data sets in DATA: isic2017/, ham10000/ and, where it is there, phone/.

    Pictures that are there twice are dropped, the test's copy stays, and no lesion or patient is on two sides of a
    split. The pictures are left where they are. melanoma-train then takes the manifest's folder as its --data.
    """
    # Only now: what a build needs takes a second to import, and --help should not.
    from training.data.building.build import build
    from training.data.building.show import show

    screen = Console(highlight=False)
    with _sentences():
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=screen
        ) as bars:
            tasks: dict[str, int] = {}

            def progress(what: str, done: int, of: int) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(what, total=of)
                bars.update(tasks[what], completed=done)

            report = build(data, out or data, progress)
        report.write(out or data)
        show(report, screen)
        screen.print(f"The manifest is {(out or data) / 'manifest.csv'}, the report beside it.", soft_wrap=True)
