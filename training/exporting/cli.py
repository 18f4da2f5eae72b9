"""`melanoma-export`: makes the artefact that the worker serves from a finished run."""

import os
from pathlib import Path

import click
from rich.console import Console

from training.cli_errors import report_errors

# TensorFlow reads this when it is imported; level 2 hides its start-up messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("run", type=_FOLDER)
@click.option("--data", type=_FOLDER, required=True, help="Folder with isic2017/, ham10000/ and phone/.")
@click.option("--out", type=_FOLDER, required=True, help="Folder for model.pb, model.json and out_of_fold.csv.")
@click.option("--name", help="Name of the artefact; by default, that of the folder OUT.")
@click.option("--version", required=True, help="Version of the artefact, as verdicts name it.")
@click.option("--test", is_flag=True, help="Measure on the ISIC 2017 test set too: once per release.")
@click.option(
    "--half", is_flag=True, help="Store kernels in half precision: half the size, but slower with TensorFlow."
)
@click.option(
    "--views",
    type=click.Choice(["1", "2", "4"]),
    default="1",
    help="Average the feature maps of an image, its mirror image (2), and both upside down (4): the evidence map then"
    " turns with the image. A forward pass takes about as many times as long.",
)
def main(run: Path, data: Path, out: Path, name: str | None, version: str, test: bool, half: bool, views: str) -> None:
    """Calibrate, measure and write the artefact of the run in the folder RUN.

    RUN holds the run on all pictures and, in fold-0, fold-1, ..., the runs with --fold. Phone pictures of a fold are
    predicted by the model that left out this fold. Takes some minutes on two cores.
    """
    console = Console(highlight=False, soft_wrap=True)
    with report_errors():
        # Imported here, because TensorFlow takes seconds to load and --help must not.
        from training.exporting.export import ExportOptions, export
        from training.exporting.forms.graph import Storage
        from training.model.views import VIEWS

        options = ExportOptions(
            run=run,
            data=data,
            out=out,
            name=name or out.resolve().name,
            version=version,
            test=test,
            storage=Storage.HALF if half else Storage.SINGLE,
            views=VIEWS[int(views)],
        )
        manifest = export(options, console.print)
    for title, metric in manifest.metrics.items():
        interval = "" if metric.low is None else f" ({metric.low:.3f} to {metric.high:.3f})"
        console.print(f"{title}: {metric.value:.3f}{interval}, {metric.pictures} pictures")
    console.print(f"{manifest.title} is in {out}")
