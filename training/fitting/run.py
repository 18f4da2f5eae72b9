"""A training run, from the folder of the data to the fitted model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras

from training.data.image_cache import Pixels, decode_images
from training.data.records.groups import check_group_leakage
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.sources import read_labelled_images
from training.errors import TrainingError
from training.fitting.initial_weights import add_ancestor, create_initialized_model, describe_start, load_model
from training.fitting.inputs.export_needs import check_export_needs
from training.fitting.inputs.selection import is_in_recipe, is_trained_on, is_validated_on
from training.fitting.lineage import Lineage
from training.fitting.loop.checkpoint import load_checkpoint
from training.fitting.loop.distillation import Teacher
from training.fitting.loop.fit import fit
from training.fitting.progress.callbacks import TrainingCallback
from training.fitting.recipe import Recipe
from training.fitting.validation import make_validator, predict_own_logits, write_predictions

#: Predictions for the images that a run has not trained on, made when it is finished.
PREDICTIONS_NAME: Final = "predictions.csv"


@dataclass(frozen=True)
class TrainingRun:
    """The recipe of a run and the paths that it reads and writes."""

    data: Path
    #: Folder of the checkpoint and the log.
    directory: Path
    recipe: Recipe
    #: Initial weights: a file, or the folder of a run or artefact.
    start: Path | None = None
    #: Folders of the runs or artefacts to distil from.
    teachers: tuple[Path, ...] = ()
    #: Folder of the decoded images; None for `directory`.
    cache: Path | None = None
    #: Refuse data without what the export needs.
    is_for_export: bool = True

    @property
    def cache_directory(self) -> Path:
        """Folder of the decoded images."""
        return self.cache or self.directory


def train(run: TrainingRun, callback: TrainingCallback, tensorboard: bool = False) -> keras.Model:
    """Train the model of a run, or resume where an earlier call with the same recipe stopped.

    `callback` gets messages and is called after each batch. With `tensorboard`, also write events for TensorBoard.

    Raises:
        TrainingError: If the folder holds a run of another recipe, or if the data or the weights cannot be used.
    """
    recipe = run.recipe
    images = [image for image in read_labelled_images(run.data) if is_in_recipe(image, recipe)]
    # Images of what is left out are decoded too, so that the runs of all folds and left-out sources share one file.
    training = [image for image in images if image.split is Split.TRAIN]
    trained = [image for image in training if is_trained_on(image, recipe)]
    held_out = [image for image in images if is_validated_on(image, recipe)]
    if recipe.fold is not None and all(image.fold != recipe.fold for image in training):
        raise TrainingError(f"{run.data} has no fold {recipe.fold}: its folds are {_list_folds(training)}.")
    try:
        check_group_leakage(images)
    except TrainingError as error:
        raise TrainingError(f"{run.data}: {error} melanoma-data build leaves such pictures out.") from error
    if not trained or not held_out:
        raise TrainingError(f"{run.data} has no pictures for this recipe to train on, or none to validate on.")
    if run.is_for_export:
        check_export_needs(run.data, images, recipe)
    lineage = _describe_lineage(run, trained)
    _check_resumed_run(run, lineage)
    model, teacher = create_initialized_model(recipe, run.start), _load_teacher(run)
    callback.on_message(f"{len(trained)} pictures to train on, {len(held_out)} held out for validation")
    run.directory.mkdir(parents=True, exist_ok=True)
    pixels = decode_images(training, recipe.training_spec, run.cache_directory)
    held_out_pixels = _decode_held_out(run, images, held_out)
    validator = make_validator(held_out, held_out_pixels, recipe.task)
    fit(model, training, pixels, recipe, run.directory, validator, callback, teacher, tensorboard, lineage)
    write_predictions(run.directory / PREDICTIONS_NAME, held_out, predict_own_logits(model, held_out, held_out_pixels))
    return model


def _list_folds(images: Sequence[LabelledImage]) -> str:
    return ", ".join(map(str, sorted({image.fold for image in images if image.fold is not None}))) or "none"


def _describe_lineage(run: TrainingRun, trained: Sequence[LabelledImage]) -> Lineage:
    lineage = describe_start(run.recipe, run.start, Lineage.from_images(trained))
    for teacher in run.teachers if run.recipe.distil else ():
        lineage = add_ancestor(lineage, teacher, run.recipe, role="teacher", what="--teacher")
    return lineage


def _check_resumed_run(run: TrainingRun, lineage: Lineage) -> None:
    """Raise `TrainingError` if the folder holds a run of another recipe, other data or other initial weights."""
    state = load_checkpoint(run.directory)
    if state is None:
        return
    if state.recipe != run.recipe:
        raise TrainingError(f"{run.directory} holds a run of another recipe: start again with --fresh.")
    if state.lineage != lineage:
        raise TrainingError(
            f"{run.directory} holds a run of other pictures or other initial weights: start again with --fresh."
        )


def _decode_held_out(run: TrainingRun, images: Sequence[LabelledImage], held_out: Sequence[LabelledImage]) -> Pixels:
    """Decode the held-out images as in serving, with all that other folds or left-out sources hold out."""
    recipe = run.recipe
    decoded = [
        image
        for image in images
        if image.split is Split.VALID
        or (image.split is Split.TRAIN and (recipe.left_out or (recipe.fold is not None and image.fold is not None)))
    ]
    pixels = decode_images(decoded, recipe.serving_spec, run.cache_directory)
    row_by_path = {image.path: row for row, image in enumerate(decoded)}
    rows = [row_by_path[image.path] for image in held_out]
    return pixels if rows == list(range(len(decoded))) else pixels[rows]


def _load_teacher(run: TrainingRun) -> Teacher | None:
    if not run.recipe.distil:
        return None
    if not run.teachers:
        raise TrainingError("This recipe learns from a teacher: name its run or artefact with --teacher.")
    states = [load_checkpoint(teacher) for teacher in run.teachers]
    # Every artefact counts as one that was trained on dermatoscope images alone, as the first artefacts were.
    populations = [
        population
        for population in Population
        if all(state is not None and population in state.recipe.populations for state in states)
        or population is Population.DERMATOSCOPE
    ]
    return Teacher([load_model(teacher, run.recipe) for teacher in run.teachers], run.recipe.distil, populations)
