"""`melanoma-evaluate`: how good an artefact is, on pictures it was not trained on."""

import os
from pathlib import Path

import click
from rich.console import Console

from training.errors import TrainingError

# Read by TensorFlow when it is imported: its start-up notes are no news for the person.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("artefact", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the data, as for training.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the report: it shows pictures.")
@click.option("--test", is_flag=True, help="Look at the test sets too. Once a release: they are for no choice.")
@click.option("--symmetries", is_flag=True, help="Measure too what averaging over eight flips and turns gives.")
@click.option("--stress", type=click.IntRange(min=0), default=300, help="Pictures a population for the stress test.")
@click.option("--pointing", type=click.IntRange(min=0), default=300, help="Pictures a population for the evidence map.")
@click.option("--card", is_flag=True, help="Write CARD.md and evaluation.json into ARTEFACT.")
def main(
    artefact: Path, data: Path, out: Path, test: bool, symmetries: bool, stress: int, pointing: int, card: bool
) -> None:
    """Measure ARTEFACT, the folder of a model, and write report.html and evaluation.json.

    Measured is the exported graph on held-out pictures; where a data set has folds, what the artefact's
    out_of_fold.csv says of them. Every figure has a 95 % bootstrap interval.
    """
    console = Console(highlight=False)
    try:
        # Here, not above: TensorFlow takes seconds to load, and --help should not.
        from training.evaluation.evaluate import EvaluationOptions
        from training.evaluation.output import evaluate

        options = EvaluationOptions(test=test, symmetries=symmetries, stress=stress, pointing=pointing)
        evaluate(artefact, data, out, options, card=card, report=console.print)
    except TrainingError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'A file'}: {error.strerror or error}.") from error
