"""`melanoma-evaluate`: measures an artefact on pictures that it was not trained on."""

import os
from pathlib import Path

import click
from rich.console import Console

from training.cli_errors import report_errors

# TensorFlow reads this when it is imported; level 2 hides its start-up messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("artefact", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the data, as for training.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the report: it shows pictures.")
@click.option(
    "--test", is_flag=True, help="Measure on the test sets too: once per release. No choice may be made by them."
)
@click.option("--symmetries", is_flag=True, help="Measure the gain of averaging over eight flips and turns too.")
@click.option("--agreement", is_flag=True, help="Compare the installed runtimes with TensorFlow, the reference, too.")
@click.option("--stress", type=click.IntRange(min=0), default=300, help="Pictures per population for the stress test.")
@click.option(
    "--pointing", type=click.IntRange(min=0), default=300, help="Pictures per population for the evidence map."
)
@click.option(
    "--sources",
    type=click.IntRange(min=0),
    default=100,
    help="Pictures per source and diagnosis for measuring how well sources can be told apart.",
)
@click.option("--card", is_flag=True, help="Write CARD.md and evaluation.json into ARTEFACT.")
def main(
    artefact: Path, data: Path, out: Path, test: bool, symmetries: bool, agreement: bool, card: bool, **counts: int
) -> None:
    """Measure ARTEFACT, the folder of a model, and write report.html and evaluation.json.

    The exported graph is measured on held-out pictures. Data sets with folds are measured by the artefact's
    out_of_fold.csv. Metrics have 95 % intervals: shares Wilson's, all others by bootstrap.
    """
    console = Console(highlight=False)
    with report_errors():
        # Imported here, because TensorFlow takes seconds to load and --help must not.
        from training.evaluation.evaluate import EvaluationOptions, evaluate_artefact
        from training.evaluation.output import print_summary, write_output

        options = EvaluationOptions(test=test, symmetries=symmetries, agreement=agreement, **counts)
        evaluation, sets = evaluate_artefact(artefact, data, options, console.print)
        write_output(evaluation, sets, artefact, out, card=card)
        print_summary(evaluation, out, console.print)
