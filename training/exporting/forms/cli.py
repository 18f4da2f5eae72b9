"""`melanoma-forms`: adds the derived forms of the model to a finished artefact."""

import os
from pathlib import Path

import click
from rich.console import Console

from training.cli_errors import report_errors

# TensorFlow reads this when it is imported; level 2 hides its start-up messages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("artefact", type=click.Path(path_type=Path, file_okay=False))
def main(artefact: Path) -> None:
    """Derive from the graph in the folder ARTEFACT what it lacks: StableHLO for JAX, and known answers.

    `melanoma-export` does the same for a new artefact. Name and version stay: the graph is not changed.
    """
    console = Console(highlight=False, soft_wrap=True)
    with report_errors():
        # Imported here, because TensorFlow takes seconds to load and --help must not.
        from training.exporting.forms.forms import add_forms

        manifest = add_forms(artefact, console.print)
    console.print(f"{manifest.title} in {artefact} has {', '.join(sorted(manifest.files))}")
