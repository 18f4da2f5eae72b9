"""Checks when a run begins that the data has what its export will need, days later."""

from collections.abc import Sequence
from pathlib import Path

from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import COUNTED
from training.data.sources import PhoneSubject, is_chosen_by_diagnosis, read_phone_images
from training.errors import TrainingError
from training.fitting.recipe import Recipe
from training.fitting.task import Task
from training.model.architecture import Architecture
from training.model.classifier import Head


def check_export_needs(data: Path, images: Sequence[LabelledImage], recipe: Recipe) -> None:
    """Check that `images`, those of the recipe's sources, and the images of no lesion suffice for `melanoma-export`.

    A recipe whose model cannot be exported needs nothing.

    Raises:
        TrainingError: If something is missing.
    """
    if not _can_be_exported(recipe):
        return
    held_out = [
        image.label in COUNTED
        for image in images
        if image.split is Split.VALID
        and image.population is Population.DERMATOSCOPE
        and not is_chosen_by_diagnosis(image.source)
    ]
    folds = {image.fold for image in images if image.population is Population.PHONE and image.fold is not None}
    needs = {
        "validation pictures of malignant and of benign lesions from a source that was not chosen by diagnosis": len(
            set(held_out)
        )
        == 2,
        "phone pictures of lesions in at least two folds": len(folds) > 1,
        "pictures of no lesion": any(
            image.subject is not PhoneSubject.LESION and not image.is_held_out for image in read_phone_images(data)
        ),
    }
    missing = [name for name, is_there in needs.items() if not is_there]
    if missing:
        raise TrainingError(
            f"{data} lacks what melanoma-export needs of this recipe: {', and '.join(missing)}. Add them as"
            " docs/training.md says, or train with --no-export."
        )


def _can_be_exported(recipe: Recipe) -> bool:
    has_labels = recipe.task is Task.DIAGNOSES and recipe.head is Head.LINEAR
    return has_labels and isinstance(recipe.architecture, Architecture) and set(recipe.populations) == set(Population)
