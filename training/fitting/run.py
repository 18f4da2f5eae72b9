"""A training run from its folder of data to the fitted model."""

from dataclasses import dataclass
from pathlib import Path

import keras

from training.data.image_cache import decode_all
from training.data.records.labelled_image import Picture, Population, Share
from training.data.sources import read_pictures
from training.errors import TrainingError
from training.fitting.initial_weights import load_model, started
from training.fitting.inputs.selection import is_measured_on, knows, learns_from
from training.fitting.loop import checkpoint
from training.fitting.loop.fit import fit
from training.fitting.loop.teacher import Teacher
from training.fitting.progress.console import Watch
from training.fitting.recipe import Recipe
from training.fitting.validation import validation
from training.model.applications import Application
from training.model.architecture import Architecture


@dataclass(frozen=True)
class Run:
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

    def images(self, share: Share) -> list[Picture]:
        """The dermatoscope pictures of one share. Raises `TrainingError` where there are none."""
        found = [
            image
            for image in read_pictures(self.data)
            if image.share is share and image.population is Population.DERMATOSCOPE
        ]
        if not found:
            raise TrainingError(f"{self.data} has no pictures for the share {share}.")
        return found

    @property
    def decoded(self) -> Path:
        """Folder of the decoded pictures."""
        return self.cache or self.directory


def train(run: Run, watch: Watch, tensorboard: bool = False) -> keras.Model:
    """Fit the model, or go on where an earlier call with the same recipe stopped."""
    recipe = run.recipe
    state = checkpoint.load(run.directory)
    if state is not None and state.recipe != recipe:
        raise TrainingError(f"{run.directory} holds a run of another recipe: start again with --fresh.")
    images = read_pictures(run.data)
    # Those of a fold left out are decoded too, so that the runs of all folds share one file.
    known = [image for image in images if knows(image, recipe) and image.share is Share.TRAIN]
    held = [image for image in images if is_measured_on(image, recipe)]
    count = sum(learns_from(image, recipe) for image in known)
    if not count or not held:
        raise TrainingError(f"{run.data} has no pictures for this recipe to train on, or none to be measured on.")
    model, teacher = started(recipe, run.start), _teacher(run)
    watch.say(f"{count} pictures to train on, {len(held)} held out for validation")
    run.directory.mkdir(parents=True, exist_ok=True)
    pixels = decode_all(known, recipe.kept, run.decoded)
    measure = validation(held, decode_all(held, recipe.served, run.decoded), recipe.task)
    fit(model, known, pixels, recipe, run.directory, measure, watch, teacher, tensorboard)
    return model


def _teacher(run: Run) -> Teacher | None:
    if not run.recipe.distil:
        return None
    if run.teacher is None:
        raise TrainingError("This recipe learns from a teacher: name its run or artefact with --teacher.")
    state = checkpoint.load(run.teacher)
    # An artefact made before there were two populations knows the dermatoscope's pictures alone.
    populations = [Population.DERMATOSCOPE] if state is None else state.recipe.populations
    return Teacher(load_model(run.teacher, run.recipe), run.recipe.distil, populations)
