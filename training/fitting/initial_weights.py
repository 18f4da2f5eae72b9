"""Initial weights of a run: random, or those of ImageNet, another run or an artefact."""

from pathlib import Path

import keras

from shared.model.artefact import ArtefactError, read_artefact
from training.errors import TrainingError
from training.fitting.lineage import Lineage, Origin, check_ancestor, hash_weights
from training.fitting.loop.checkpoint import CHECKPOINT_NAME, load_checkpoint
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


def describe_start(recipe: Recipe, path: Path | None, lineage: Lineage) -> Lineage:
    """Return `lineage` with what the weights in `path` have learned from.

    Raises:
        TrainingError: If they have learned from what the recipe leaves out, or if nobody knows.
    """
    if recipe.start is InitialWeights.NOTHING:
        return lineage
    if recipe.start is InitialWeights.IMAGENET:
        name = "Keras' ImageNet weights" if path is None else path.name
        digest = "" if path is None else hash_weights(path)
        return lineage.with_origin(Origin(role="ImageNet weights", name=name, sha256=digest))
    if path is None:
        raise TrainingError(f"This recipe starts from weights ({recipe.start}): name them with --start.")
    return add_ancestor(lineage, path, recipe, role="initial model", what="--start")


def add_ancestor(lineage: Lineage, path: Path, recipe: Recipe, *, role: str, what: str) -> Lineage:
    """Return `lineage` with that of the run or artefact in `path`. Raises as `describe_start` does."""
    own, file = _read_lineage(path)
    known = check_ancestor(own, path, fold=recipe.fold, left_out=recipe.left_out, what=what)
    return lineage.with_ancestor(known, Origin(role=role, name=path.name, sha256=hash_weights(file)))


def _read_lineage(path: Path) -> tuple[Lineage | None, Path]:
    """Read the lineage of a run or artefact, None if it is not known, and the file of its weights."""
    state = load_checkpoint(path)
    if state is not None:
        return state.lineage, path / CHECKPOINT_NAME
    try:
        manifest = read_artefact(path)
        text = manifest.made_with.get("lineage")
        return None if text is None else Lineage.model_validate_json(text), path / manifest.graph
    except (ArtefactError, ValueError) as error:
        raise TrainingError(f"There is neither a run nor an artefact in {path}: {error}.") from error


def build_model(recipe: Recipe, weights: str | Path | None = None) -> keras.Model:
    """Build the model of a recipe. Its weights are random, except the `weights` of an application."""
    return build_classifier(
        recipe.architecture,
        recipe.task.output_count,
        dropout=recipe.dropout,
        frozen_norm=recipe.frozen_norm,
        head=recipe.head,
        precision=recipe.precision,
        depthwise=recipe.depthwise,
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
