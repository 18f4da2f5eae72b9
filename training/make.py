"""The whole way from the data to the artefact."""

from collections.abc import Callable
from pathlib import Path

from shared.artefact import Manifest
from training import checkpoint
from training.backbone import build, set_weights
from training.errors import TrainingError
from training.export import export
from training.labels import LABELS
from training.run import Run, train


def make(run: Run, out: Path, *, provisional: bool, report: Callable[[str], None]) -> Manifest:
    """Train, calibrate, measure and write the artefact into `out`; what each step found goes to `report`.

    A provisional one is of the checkpoint as it stands and does not look at the test set. Raises
    `TrainingError` where the data, the weights or the run's folder cannot be used.
    """
    if provisional:
        state = checkpoint.load(run.directory)
        if state is None:
            raise TrainingError(f"There is no checkpoint in {run.directory} to export.")
        model = build(run.architecture, len(LABELS))
        set_weights(model, state.average)
        epochs = state.epochs
    else:
        model, epochs = train(run, report), run.recipe.epochs
    manifest = export(run, model, epochs, out, test=not provisional, report=report)
    for name, metric in manifest.metrics.items():
        interval = "" if metric.low is None else f" ({metric.low:.3f} to {metric.high:.3f})"
        report(f"{name}: {metric.value:.3f}{interval}, {metric.pictures} pictures")
    report(f"{manifest.title} is in {out}")
    return manifest
