"""`melanoma-train`: fits a model by a recipe."""

import os
import shutil
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from training.errors import TrainingError

# Read by TensorFlow when it is imported: its start-up notes are no news for the person.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_PATH = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recipe")
@click.option("--data", type=_PATH, required=True, help="Folder with isic2017/, ham10000/ and phone/.")
@click.option("--run", "directory", type=_PATH, required=True, help="Folder for the checkpoint and the log.")
@click.option(
    "--start",
    type=_PATH,
    help="Weights to start from, if the recipe wants some: an archive of ImageNet weights of the backbone, the"
    " folder of another run, or an artefact.",
)
@click.option("--teacher", type=_PATH, help="Folder of the run or artefact to learn from, if the recipe wants one.")
@click.option("--fold", type=click.IntRange(min=0), help="Fold to leave out and measure on.")
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs to train, for those of the recipe.")
@click.option("--pictures", type=click.IntRange(min=1), help="Pictures an epoch, for those of the recipe.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of all that is random, for that of the recipe.")
@click.option("--cache", type=_PATH, help="Folder for the decoded pictures (about 2 GB), for that of the run.")
@click.option("--untrained", is_flag=True, help="Start from random weights, whatever the recipe starts from.")
@click.option("--tensorboard", is_flag=True, help="Write events for TensorBoard too, which must be installed.")
@click.option(
    "--resume/--fresh",
    default=True,
    show_default=True,
    help="Go on from the run's checkpoint if there is one, or start again.",
)
def main(
    recipe: str,
    data: Path,
    directory: Path,
    start: Path | None,
    teacher: Path | None,
    cache: Path | None,
    untrained: bool,
    tensorboard: bool,
    resume: bool,
    **changes: int | None,
) -> None:
    """Fit a model by RECIPE: the name of one in training/recipes, or a .toml file.

    Each epoch ends in a checkpoint; after a stop, the same command goes on with the epoch it was in. The run's
    folder gets checkpoint.npz, log.csv and curves.png.
    """
    console = Console(highlight=False)
    try:
        if not resume:
            _forget(directory)
        # Here, not above: Keras takes seconds to load, and --help should not.
        from training.fitting.progress.callbacks import ProgressBar
        from training.fitting.recipe import read_recipe
        from training.fitting.run import TrainingRun, train

        wanted: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
        if untrained:
            wanted["start"] = "nothing"
        run = TrainingRun(data, directory, read_recipe(recipe, wanted), start=start, teacher=teacher, cache=cache)
        with ProgressBar(console, run.recipe) as bar:
            train(run, bar, tensorboard)
        console.print(f"the model is in {directory}")
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'A file'}: {error.strerror or error}.") from error


def _forget(directory: Path) -> None:
    """Remove what an earlier run left, except the decoded pictures, which are named after what they hold."""
    for name in ("checkpoint.npz", "log.csv", "curves.png"):
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
