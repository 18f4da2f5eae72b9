"""The models of a finished run: the one to export, and one per fold that was trained without that fold."""

from dataclasses import dataclass
from pathlib import Path

import keras

from training.data.records.labels import LABEL_NAMES
from training.errors import TrainingError
from training.fitting.loop.checkpoint import load_checkpoint
from training.fitting.recipe import Recipe
from training.model.classifier import build_classifier
from training.model.weights import set_weights


@dataclass(frozen=True)
class RunModel:
    """A model with the averaged weights of a run, the run's recipe, and the number of epochs done."""

    model: keras.Model
    recipe: Recipe
    epochs: int


def read_run_model(directory: Path) -> RunModel:
    """Read the model from the last checkpoint of the run in `directory`.

    Raises:
        TrainingError: There is no checkpoint.
    """
    state = load_checkpoint(directory)
    if state is None:
        raise TrainingError(f"There is no checkpoint in {directory}: melanoma-train makes one.")
    model = build_classifier(state.recipe.architecture, len(LABEL_NAMES), frozen_norm=state.recipe.frozen_norm)
    set_weights(model, state.average)
    return RunModel(model=model, recipe=state.recipe, epochs=state.epochs)


def read_fold_models(directory: Path) -> dict[int, RunModel]:
    """Read the models of the runs in `directory`/fold-*, by the fold that each left out.

    Raises:
        TrainingError: There are none, or a run left out another fold than its folder names.
    """
    models = {}
    for folder in sorted(directory.glob("fold-*")):
        run = read_run_model(folder)
        if folder.name != f"fold-{run.recipe.fold}":
            raise TrainingError(f"{folder} holds a run that left out fold {run.recipe.fold}.")
        models[int(run.recipe.fold or 0)] = run
    if not models:
        raise TrainingError(
            f"{directory} has no fold-0, fold-1, ...: train each with --fold, so that phone pictures can be predicted"
            " by models that have not seen them."
        )
    return models
