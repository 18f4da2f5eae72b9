"""A training run from its folder of data to the fitted model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from training.data.cache import decode_all
from training.data.labels import LABELS
from training.data.picture import Picture, Population, Share
from training.data.rules import KEPT, SERVED
from training.data.sources import read_pictures
from training.errors import TrainingError
from training.fitting import checkpoint
from training.fitting.fit import fit
from training.fitting.measure import validation
from training.fitting.recipe import Recipe
from training.model.backbone import LITE0, Architecture, build, load_imagenet


@dataclass(frozen=True)
class Run:
    """Where a run reads and writes, and what it trains."""

    data: Path
    weights: Path | None
    directory: Path
    recipe: Recipe
    architecture: Architecture = LITE0

    def pictures(self, share: Share) -> list[Picture]:
        """The dermatoscope pictures of one share. Raises `TrainingError` where there are none."""
        found = [
            picture
            for picture in read_pictures(self.data)
            if picture.share is share and picture.population is Population.DERMATOSCOPE
        ]
        if not found:
            raise TrainingError(f"{self.data} has no pictures for the share {share}.")
        return found


def train(run: Run, report: Callable[[str], None]) -> keras.Model:
    """Fit the model, or go on where an earlier call with the same recipe stopped."""
    state = checkpoint.load(run.directory)
    if state is not None and state.recipe != run.recipe:
        raise TrainingError(f"{run.directory} holds a run with other options: start again with --fresh.")
    keras.utils.set_random_seed(run.recipe.seed)
    model = build(run.architecture, len(LABELS))
    if run.weights is not None:
        load_imagenet(model, run.architecture, run.weights)
    pictures, held = run.pictures(Share.TRAIN), run.pictures(Share.VALID)
    report(f"{len(pictures)} pictures to train on, {len(held)} held out for validation")
    pixels = decode_all(pictures, KEPT, run.directory)
    measure = validation(held, decode_all(held, SERVED, run.directory))
    fit(model, pictures, pixels, run.recipe, run.directory, measure, report)
    return model
