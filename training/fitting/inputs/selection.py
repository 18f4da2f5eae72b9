"""Selects the images that a recipe trains on and validates on."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.sampling import draw_epoch
from training.fitting.recipe import Recipe


def is_trained_on(image: LabelledImage, recipe: Recipe) -> bool:
    """Return whether the recipe trains on the image: it is neither held out nor of a left-out fold or source."""
    return is_in_recipe(image, recipe) and image.split is Split.TRAIN and not _is_left_out(image, recipe)


def is_validated_on(image: LabelledImage, recipe: Recipe) -> bool:
    """Return whether the image is held out of training for validation; images of the test set are not."""
    return is_in_recipe(image, recipe) and (image.split is Split.VALID or _is_left_out(image, recipe))


def is_in_recipe(image: LabelledImage, recipe: Recipe) -> bool:
    """Return whether the image is of a source and a population of the recipe, in any split."""
    return image.population in recipe.populations and image.source in recipe.sources


def _is_left_out(image: LabelledImage, recipe: Recipe) -> bool:
    is_of_fold = image.fold is not None and image.fold == recipe.fold
    return image.split is Split.TRAIN and (is_of_fold or image.source in recipe.left_out)


def draw_epoch_indices(images: Sequence[LabelledImage], recipe: Recipe, epoch: int) -> npt.NDArray[np.int64]:
    """Draw the images of an epoch among those that the recipe trains on.

    If the recipe has a `phone_share`, that share of the draws are phone images. Training on phone images alone would
    make the model forget dermatoscope images, so these are shown beside them.

    Returns:
        Indices into `images` in the order of the epoch, int64 [steps_per_epoch * batch].
    """
    count = recipe.steps_per_epoch * recipe.batch
    if recipe.phone_share is None:
        return _draw_indices(images, recipe, epoch, recipe.populations, count)
    phone_count = round(count * recipe.phone_share)
    parts = (
        _draw_indices(images, recipe, epoch, (Population.PHONE,), phone_count),
        _draw_indices(images, recipe, epoch, (Population.DERMATOSCOPE,), count - phone_count),
    )
    order = np.random.default_rng((recipe.seed, epoch)).permutation(np.concatenate(parts))
    # If one population has no images, the other one fills the epoch.
    return np.resize(order, count)


def _draw_indices(
    images: Sequence[LabelledImage], recipe: Recipe, epoch: int, populations: Sequence[Population], count: int
) -> npt.NDArray[np.int64]:
    members = [
        index for index, image in enumerate(images) if image.population in populations and is_trained_on(image, recipe)
    ]
    if not members or not count:
        return np.empty(0, np.int64)
    if recipe.balanced:
        share = recipe.melanoma_share if Population.PHONE not in populations else None
        drawn = draw_epoch([images[index] for index in members], count, recipe.seed, epoch, share)
        return np.array(members, np.int64)[drawn]
    rng = np.random.default_rng((recipe.seed, epoch))
    rounds = -(-count // len(members))
    return np.concatenate([rng.permutation(members) for _ in range(rounds)])[:count].astype(np.int64)
