"""Initial weights of a run: random, or those of ImageNet, another run or an artefact."""

from pathlib import Path

import keras

from training.errors import TrainingError
from training.fitting.loop.checkpoint import load_checkpoint
from training.fitting.recipe import InitialWeights, Recipe
from training.model.applications import DOWNLOADED_WEIGHTS, Application
from training.model.architecture import Architecture
from training.model.classifier import build_classifier, freeze_before
from training.model.frozen_graph_import import import_frozen_graph
from training.model.imagenet_weights import load_imagenet_weights
from training.model.weights import get_weights, set_weights


def create_initialized_model(recipe: Recipe, path: Path | None) -> keras.Model:
    """Build the model of a recipe with the weights that training starts from.

    Args:
        recipe: The recipe.
        path: File of ImageNet weights, or folder of a run or artefact. If it is None, Keras downloads the ImageNet
            weights of an application.

    Raises:
        TrainingError: If the weights are missing or belong to another model.
    """
    keras.utils.set_random_seed(recipe.seed)
    starts_from_imagenet = recipe.start is InitialWeights.IMAGENET
    is_imagenet_application = starts_from_imagenet and isinstance(recipe.architecture, Application)
    if path is None and recipe.start is not InitialWeights.NOTHING and not is_imagenet_application:
        raise TrainingError(f"This recipe starts from weights ({recipe.start}): name them with --start.")
    model = build_model(recipe, path or DOWNLOADED_WEIGHTS if is_imagenet_application else None)
    if path is not None and isinstance(recipe.architecture, Architecture) and starts_from_imagenet:
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
    """Build the model of a recipe. Its weights are random, except the `weights` of an application."""
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
    """Load the model of a run, or of an artefact with the backbone of `recipe`, from the folder `path`.

    Raises:
        TrainingError: If the folder holds neither.
    """
    state = load_checkpoint(path)
    if state is not None:
        model = build_model(state.recipe)
        set_weights(model, state.average)
        return model
    if isinstance(recipe.architecture, Application):
        raise TrainingError(f"There is no run in {path}, and no artefact has {recipe.backbone} for its backbone.")
    return import_frozen_graph(path, recipe.architecture)
