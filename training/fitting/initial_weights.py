"""What a run's weights are at first: ImageNet's, another run's, an artefact's, or none."""

from pathlib import Path

import keras

from training.errors import TrainingError
from training.fitting.loop import checkpoint
from training.fitting.recipe import InitialWeights, Recipe
from training.model.applications import DOWNLOADED_WEIGHTS, Application
from training.model.architecture import Architecture
from training.model.classifier import build_classifier, freeze_before
from training.model.frozen_graph_import import import_frozen_graph
from training.model.imagenet_weights import load_imagenet_weights
from training.model.weights import get_weights, set_weights


def create_initialized_model(recipe: Recipe, path: Path | None) -> keras.Model:
    """The recipe's model with the weights that it starts from, of the file or folder `path`.

    For an application that starts from ImageNet's, Keras downloads them where there is no `path`. Raises
    `TrainingError` where they are not there, or are another model's.
    """
    keras.utils.set_random_seed(recipe.seed)
    is_application = isinstance(recipe.architecture, Application)
    if (
        path is None
        and recipe.start is not InitialWeights.NOTHING
        and not (is_application and recipe.start is InitialWeights.IMAGENET)
    ):
        raise TrainingError(f"This recipe starts from weights ({recipe.start}): name them with --start.")
    model = build_model(
        recipe, path or DOWNLOADED_WEIGHTS if is_application and recipe.start is InitialWeights.IMAGENET else None
    )
    if path is not None and isinstance(recipe.architecture, Architecture) and recipe.start is InitialWeights.IMAGENET:
        load_imagenet_weights(model, recipe.architecture, path)
    elif path is not None and recipe.start is InitialWeights.MODEL:
        try:
            set_weights(model, get_weights(load_model(path, recipe)))
        except (KeyError, ValueError) as error:
            raise TrainingError(f"{path} holds another model than the recipe's: {error}.") from error
    if recipe.train_from is not None:
        try:
            freeze_before(model, recipe.train_from)
        except ValueError as error:
            raise TrainingError(f"{recipe.backbone} has no layer {recipe.train_from} to train from.") from error
    return model


def build_model(recipe: Recipe, weights: str | Path | None = None) -> keras.Model:
    """The recipe's model, untrained but for the `weights` of an application."""
    return build_classifier(
        recipe.architecture,
        recipe.task.output_count,
        dropout=recipe.dropout,
        frozen_norm=recipe.frozen_norm,
        head=recipe.head,
        precision=recipe.precision,
        weights=weights,
    )


def load_model(path: Path, recipe: Recipe) -> keras.Model:
    """The model of another run, or of an artefact of the recipe's backbone, in the folder `path`.

    Raises `TrainingError` where it is neither.
    """
    state = checkpoint.load_checkpoint(path)
    if state is not None:
        model = build_model(state.recipe)
        set_weights(model, state.average)
        return model
    if isinstance(recipe.architecture, Application):
        raise TrainingError(f"There is no run in {path}, and no artefact has {recipe.backbone} for its backbone.")
    return import_frozen_graph(path, recipe.architecture)
