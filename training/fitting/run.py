"""A training run, from the folder of the data to the fitted model."""

from dataclasses import dataclass
from pathlib import Path

import keras

from training.data.image_cache import decode_images
from training.data.records.labelled_image import Population, Split
from training.data.sources import read_labelled_images
from training.errors import TrainingError
from training.fitting.initial_weights import create_initialized_model, load_model
from training.fitting.inputs.selection import is_in_recipe, is_trained_on, is_validated_on
from training.fitting.loop.checkpoint import load_checkpoint
from training.fitting.loop.distillation import Teacher
from training.fitting.loop.fit import fit
from training.fitting.progress.callbacks import TrainingCallback
from training.fitting.recipe import Recipe
from training.fitting.validation import make_validator


@dataclass(frozen=True)
class TrainingRun:
    """The recipe of a run and the paths that it reads and writes."""

    data: Path
    #: Folder of the checkpoint and the log.
    directory: Path
    recipe: Recipe
    #: Initial weights: a file, or the folder of a run or artefact.
    start: Path | None = None
    #: Folder of the run or artefact to distil from.
    teacher: Path | None = None
    #: Folder of the decoded images; None for `directory`.
    cache: Path | None = None

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
    state = load_checkpoint(run.directory)
    if state is not None and state.recipe != recipe:
        raise TrainingError(f"{run.directory} holds a run of another recipe: start again with --fresh.")
    images = read_labelled_images(run.data)
    # Images of the fold that is left out are decoded too, so that the runs of all folds share one cache file.
    training = [image for image in images if is_in_recipe(image, recipe) and image.split is Split.TRAIN]
    held_out = [image for image in images if is_validated_on(image, recipe)]
    count = sum(is_trained_on(image, recipe) for image in training)
    if not count or not held_out:
        raise TrainingError(f"{run.data} has no pictures for this recipe to train on, or none to validate on.")
    model, teacher = create_initialized_model(recipe, run.start), _load_teacher(run)
    callback.on_message(f"{count} pictures to train on, {len(held_out)} held out for validation")
    run.directory.mkdir(parents=True, exist_ok=True)
    pixels = decode_images(training, recipe.training_spec, run.cache_directory)
    validator = make_validator(held_out, decode_images(held_out, recipe.serving_spec, run.cache_directory), recipe.task)
    fit(model, training, pixels, recipe, run.directory, validator, callback, teacher, tensorboard)
    return model


def _load_teacher(run: TrainingRun) -> Teacher | None:
    if not run.recipe.distil:
        return None
    if run.teacher is None:
        raise TrainingError("This recipe learns from a teacher: name its run or artefact with --teacher.")
    state = load_checkpoint(run.teacher)
    # Every artefact counts as one that was trained on dermatoscope images alone, as the first artefacts were.
    populations = [Population.DERMATOSCOPE] if state is None else state.recipe.populations
    return Teacher(load_model(run.teacher, run.recipe), run.recipe.distil, populations)
