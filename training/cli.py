"""`melanoma-train`: trains a model by a recipe."""

import os
import shutil
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from training.cli_errors import report_errors

# TensorFlow reads this at import; level 2 hides its start-up messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_PATH = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recipe")
@click.option("--data", type=_PATH, required=True, help="Manifest, its folder, or the folder of the data sets.")
@click.option("--run", "directory", type=_PATH, required=True, help="Folder for the checkpoint and the log.")
@click.option(
    "--start",
    type=_PATH,
    help="Initial weights, if the recipe needs some: an archive with ImageNet weights of the backbone, the folder of"
    " another run, or an artefact.",
)
@click.option(
    "--teacher",
    "teachers",
    type=_PATH,
    multiple=True,
    help="Folder of a run or artefact to distil from, if the recipe needs one; of several, the mean is taken.",
)
@click.option("--leave-out", "left_out", multiple=True, help="Source to leave out of training and to measure on.")
@click.option("--fold", type=click.IntRange(min=0), help="Fold to leave out and validate on.")
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs, in place of the recipe's.")
@click.option("--pictures", type=click.IntRange(min=1), help="Pictures an epoch, in place of the recipe's.")
@click.option("--seed", type=click.IntRange(min=0), help="Random seed, in place of the recipe's.")
@click.option("--cache", type=_PATH, help="Folder for the decoded pictures (about 2 GB), in place of the run's.")
@click.option("--untrained", is_flag=True, help="Start from random weights, in place of the recipe's.")
@click.option("--no-export", is_flag=True, help="Train on data that lacks what melanoma-export needs, too.")
@click.option("--tensorboard", is_flag=True, help="Write events for TensorBoard too, which must be installed.")
@click.option(
    "--resume/--fresh",
    default=True,
    show_default=True,
    help="Resume from the run's checkpoint if there is one, or start again.",
)
def main(
    recipe: str,
    data: Path,
    directory: Path,
    start: Path | None,
    teachers: tuple[Path, ...],
    left_out: tuple[str, ...],
    cache: Path | None,
    untrained: bool,
    no_export: bool,
    tensorboard: bool,
    resume: bool,
    **options: int | None,
) -> None:
    """Train a model by RECIPE: the name of one in training/recipes, or a .toml file.

    Each epoch ends with a checkpoint. After a stop, the same command resumes with the epoch that was interrupted. The
    folder of the run gets checkpoint.npz, log.csv and curves.png.
    """
    console = Console(highlight=False)
    with report_errors():
        if not resume:
            _delete_run(directory)
        # Imported here because Keras takes seconds to load, and --help should not.
        from training.fitting.progress.callbacks import ProgressBar
        from training.fitting.recipe import read_recipe
        from training.fitting.run import TrainingRun, train

        overrides: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        if untrained:
            overrides["start"] = "nothing"
        if left_out:
            overrides["left_out"] = left_out
        chosen = read_recipe(recipe, overrides)
        run = TrainingRun(
            data, directory, chosen, start=start, teachers=teachers, cache=cache, is_for_export=not no_export
        )
        with ProgressBar(console, run.recipe) as bar:
            train(run, bar, tensorboard)
        console.print(f"the model is in {directory}")


def _delete_run(directory: Path) -> None:
    """Delete the files of an earlier run, except decoded images: paths and preprocessing name their file."""
    for name in ("checkpoint.npz", "log.csv", "curves.png", "predictions.csv"):
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
