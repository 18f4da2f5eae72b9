"""A finished run: the model that is exported, and one a fold that has not seen the fold's pictures."""

from dataclasses import dataclass
from pathlib import Path

import keras

from training.data.records.labels import LABEL_NAMES
from training.errors import TrainingError
from training.fitting.loop import checkpoint
from training.fitting.recipe import Recipe
from training.model.classifier import build_classifier
from training.model.weights import set_weights


@dataclass(frozen=True)
class RunModel:
    """The averaged weights of a run, in a model, and the run's recipe."""

    model: keras.Model
    recipe: Recipe
    epochs: int


def read_run_model(directory: Path) -> RunModel:
    """The run in `directory` as its last checkpoint has it. Raises `TrainingError` where there is none."""
    state = checkpoint.load_checkpoint(directory)
    if state is None:
        raise TrainingError(f"There is no checkpoint in {directory}: melanoma-train makes one.")
    model = build_classifier(state.recipe.architecture, len(LABEL_NAMES), frozen_norm=state.recipe.frozen_norm)
    set_weights(model, state.average)
    return RunModel(model=model, recipe=state.recipe, epochs=state.epochs)


def read_fold_models(directory: Path) -> dict[int, RunModel]:
    """The runs in `directory`/fold-*, by the fold that each left out.

    Raises `TrainingError` where there are none, or where one did not leave out the fold that its folder names.
    """
    found = {}
    for folder in sorted(directory.glob("fold-*")):
        fitted = read_run_model(folder)
        if folder.name != f"fold-{fitted.recipe.fold}":
            raise TrainingError(f"{folder} holds a run that left out fold {fitted.recipe.fold}.")
        found[int(fitted.recipe.fold or 0)] = fitted
    if not found:
        raise TrainingError(
            f"{directory} has no fold-0, fold-1, ...: train each with --fold, so that phone pictures can be judged"
            " by models that have not seen them."
        )
    return found
