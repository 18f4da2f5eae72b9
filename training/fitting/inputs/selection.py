"""Which pictures a recipe learns from, and which it is measured on meanwhile."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.sampling import draw_epoch
from training.fitting.recipe import Recipe


def is_trained_on(image: LabelledImage, recipe: Recipe) -> bool:
    """Whether the recipe trains on the picture: never on one that is held out, or of the fold left out."""
    return is_in_recipe(image, recipe) and image.split is Split.TRAIN and not _is_in_left_out_fold(image, recipe)


def is_validated_on(image: LabelledImage, recipe: Recipe) -> bool:
    """Whether the picture is held out of training, and not for the test."""
    return is_in_recipe(image, recipe) and (image.split is Split.VALID or _is_in_left_out_fold(image, recipe))


def is_in_recipe(image: LabelledImage, recipe: Recipe) -> bool:
    """Whether the picture is of a source and a population of the recipe, whatever it is used for."""
    return image.population in recipe.populations and image.source in recipe.sources


def _is_in_left_out_fold(image: LabelledImage, recipe: Recipe) -> bool:
    return image.split is Split.TRAIN and image.fold is not None and image.fold == recipe.fold


def draw_epoch_indices(images: Sequence[LabelledImage], recipe: Recipe, epoch: int) -> npt.NDArray[np.int64]:
    """Indices int64 [steps * batch] of those `pictures` that an epoch shows, in their order.

    With the recipe's `phone_share`, phone pictures are that share of them: training on phone pictures alone
    would forget the dermatoscope's, which are shown again beside them.
    """
    count = recipe.steps_per_epoch * recipe.batch
    if recipe.phone_share is None:
        return _draw_indices(images, recipe, epoch, recipe.populations, count)
    phone = round(count * recipe.phone_share)
    parts = (
        _draw_indices(images, recipe, epoch, (Population.PHONE,), phone),
        _draw_indices(images, recipe, epoch, (Population.DERMATOSCOPE,), count - phone),
    )
    order = np.random.default_rng((recipe.seed, epoch)).permutation(np.concatenate(parts))
    # Where one population has no pictures, the other takes its place.
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
        drawn = draw_epoch([images[index] for index in members], count, recipe.seed, epoch)
        return np.array(members, np.int64)[drawn]
    rng = np.random.default_rng((recipe.seed, epoch))
    rounds = -(-count // len(members))
    return np.concatenate([rng.permutation(members) for _ in range(rounds)])[:count].astype(np.int64)
