"""The whole way from the data to the artefact."""

from collections.abc import Callable
from pathlib import Path

from shared.artefact import ArtefactError, Manifest, read_artefact
from training.data.labels import LABELS
from training.errors import TrainingError
from training.exporting.export import export
from training.exporting.provenance import made_with
from training.exporting.thaw import thaw
from training.fitting import checkpoint
from training.fitting.run import Run, train
from training.model.backbone import build, set_weights


def make(run: Run, out: Path, *, provisional: bool, again: Path | None, report: Callable[[str], None]) -> Manifest:
    """Train, calibrate, measure and write the artefact into `out`; what each step found goes to `report`.

    A provisional one is of the checkpoint as it stands and does not look at the test set. With `again`, the
    artefact in that folder is calibrated and measured anew, and nothing is trained. Raises `TrainingError` where
    the data, the weights, the artefact or the run's folder cannot be used.
    """
    if again is not None:
        try:
            old = read_artefact(again)
        except ArtefactError as error:
            raise TrainingError(str(error)) from error
        if old.labels != LABELS:
            raise TrainingError(f"{again} has other labels than training/data/labels.py.")
        model, origin = thaw(again, old, run.architecture), {**old.made_with, "measured_again_from": old.title}
    elif provisional:
        state = checkpoint.load(run.directory)
        if state is None:
            raise TrainingError(f"There is no checkpoint in {run.directory} to export.")
        model = build(run.architecture, len(LABELS))
        set_weights(model, state.average)
        origin = made_with(run, state.epochs)
    else:
        model, origin = train(run, report), made_with(run, run.recipe.epochs)
    manifest = export(run, model, origin, out, test=not provisional, report=report)
    for name, metric in manifest.metrics.items():
        interval = "" if metric.low is None else f" ({metric.low:.3f} to {metric.high:.3f})"
        report(f"{name}: {metric.value:.3f}{interval}, {metric.pictures} pictures")
    report(f"{manifest.title} is in {out}")
    return manifest
