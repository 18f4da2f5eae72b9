"""A training run from its folder of data to the fitted model."""

from dataclasses import dataclass
from pathlib import Path

import keras

from training.data.image_cache import decode_images
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.sources import read_labelled_images
from training.errors import TrainingError
from training.fitting.initial_weights import create_initialized_model, load_model
from training.fitting.inputs.selection import is_in_recipe, is_trained_on, is_validated_on
from training.fitting.loop import checkpoint
from training.fitting.loop.distillation import Teacher
from training.fitting.loop.fit import fit
from training.fitting.progress.callbacks import TrainingCallback
from training.fitting.recipe import Recipe
from training.fitting.validation import make_validator
from training.model.applications import Application
from training.model.architecture import Architecture


@dataclass(frozen=True)
class TrainingRun:
    """Where a run reads and writes, and what it trains.

    `start` are the weights that it starts from, `teacher` is the run or artefact that it learns from beside the
    labels; decoded pictures are kept in `cache`.
    """

    data: Path
    directory: Path
    recipe: Recipe
    start: Path | None = None
    teacher: Path | None = None
    cache: Path | None = None

    @property
    def architecture(self) -> Architecture | Application:
        """The shape of the backbone."""
        return self.recipe.architecture

    def images(self, share: Split) -> list[LabelledImage]:
        """The dermatoscope pictures of one share. Raises `TrainingError` where there are none."""
        found = [
            image
            for image in read_labelled_images(self.data)
            if image.split is share and image.population is Population.DERMATOSCOPE
        ]
        if not found:
            raise TrainingError(f"{self.data} has no pictures for the share {share}.")
        return found

    @property
    def cache_directory(self) -> Path:
        """Folder of the decoded pictures."""
        return self.cache or self.directory


def train(run: TrainingRun, callback: TrainingCallback, tensorboard: bool = False) -> keras.Model:
    """Fit the model, or go on where an earlier call with the same recipe stopped."""
    recipe = run.recipe
    state = checkpoint.load_checkpoint(run.directory)
    if state is not None and state.recipe != recipe:
        raise TrainingError(f"{run.directory} holds a run of another recipe: start again with --fresh.")
    images = read_labelled_images(run.data)
    # Those of a fold left out are decoded too, so that the runs of all folds share one file.
    known = [image for image in images if is_in_recipe(image, recipe) and image.split is Split.TRAIN]
    held = [image for image in images if is_validated_on(image, recipe)]
    count = sum(is_trained_on(image, recipe) for image in known)
    if not count or not held:
        raise TrainingError(f"{run.data} has no pictures for this recipe to train on, or none to be measured on.")
    model, teacher = create_initialized_model(recipe, run.start), _load_teacher(run)
    callback.on_message(f"{count} pictures to train on, {len(held)} held out for validation")
    run.directory.mkdir(parents=True, exist_ok=True)
    pixels = decode_images(known, recipe.training_spec, run.cache_directory)
    measure = make_validator(held, decode_images(held, recipe.serving_spec, run.cache_directory), recipe.task)
    fit(model, known, pixels, recipe, run.directory, measure, callback, teacher, tensorboard)
    return model


def _load_teacher(run: TrainingRun) -> Teacher | None:
    if not run.recipe.distil:
        return None
    if run.teacher is None:
        raise TrainingError("This recipe learns from a teacher: name its run or artefact with --teacher.")
    state = checkpoint.load_checkpoint(run.teacher)
    # An artefact made before there were two populations knows the dermatoscope's pictures alone.
    populations = [Population.DERMATOSCOPE] if state is None else state.recipe.populations
    return Teacher(load_model(run.teacher, run.recipe), run.recipe.distil, populations)
