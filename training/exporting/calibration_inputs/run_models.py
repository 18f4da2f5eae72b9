"""The models of a finished run: the one to export, and one per fold that was trained without that fold."""

from dataclasses import dataclass
from pathlib import Path

import keras

from training.data.records.labels import LABEL_NAMES
from training.errors import TrainingError
from training.fitting.lineage import Lineage
from training.fitting.loop.checkpoint import load_checkpoint
from training.fitting.recipe import Recipe
from training.fitting.task import Task
from training.model.classifier import Head, build_classifier
from training.model.weights import set_weights


@dataclass(frozen=True)
class RunModel:
    """A model with the averaged weights of a run, the run's recipe, and the number of epochs done."""

    model: keras.Model
    recipe: Recipe
    epochs: int
    lineage: Lineage


def read_run_model(directory: Path) -> RunModel:
    """Read the model from the last checkpoint of the run in `directory`.

    Raises:
        TrainingError: There is no checkpoint, or it does not say what it was trained on, or it cannot be exported.
    """
    state = load_checkpoint(directory)
    if state is None:
        raise TrainingError(f"There is no checkpoint in {directory}: melanoma-train makes one.")
    if state.lineage is None:
        raise TrainingError(
            f"The checkpoint in {directory} does not say what it was trained on, so nobody could say under which terms"
            " it may be used: train it again."
        )
    if state.recipe.task is not Task.DIAGNOSES or state.recipe.head is not Head.LINEAR:
        raise TrainingError(f"{directory} holds a model without the labels or the head of an artefact.")
    model = build_classifier(state.recipe.architecture, len(LABEL_NAMES), frozen_norm=state.recipe.frozen_norm)
    set_weights(model, state.average)
    return RunModel(model=model, recipe=state.recipe, epochs=state.epochs, lineage=state.lineage)


def read_fold_models(directory: Path, run: RunModel) -> dict[int, RunModel]:
    """Read the models of the runs in `directory`/fold-*, by the fold that each left out.

    Raises:
        TrainingError: There are none, or a run left out another fold than its folder names, has seen it, or has another
            recipe or other data than `run`. It may leave out sources and have another teacher.
    """
    models = {}
    may_differ = {"distil": run.recipe.distil, "left_out": run.recipe.left_out}
    for folder in sorted(directory.glob("fold-*")):
        fold_run = read_run_model(folder)
        if folder.name != f"fold-{fold_run.recipe.fold}":
            raise TrainingError(f"{folder} holds a run that left out fold {fold_run.recipe.fold}.")
        if fold_run.recipe.model_copy(update={**may_differ, "fold": None}) != run.recipe:
            raise TrainingError(f"{folder} holds a run of another recipe than {directory}: train it again.")
        if fold_run.lineage.has_seen_fold(int(fold_run.recipe.fold or 0)):
            raise TrainingError(f"{folder} holds a run that has seen the fold that it left out: train it again.")
        models[int(fold_run.recipe.fold or 0)] = fold_run
    if not models:
        raise TrainingError(
            f"{directory} has no fold-0, fold-1, ...: train each with --fold, so that phone pictures can be predicted"
            " by models that have not seen them."
        )
    return models
