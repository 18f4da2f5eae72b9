"""Cross-fitting: predicts each phone image with the model of its fold, which was trained without that fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from training.calibration.distance import fit_distance
from training.calibration.kinds import PHONE, fit_kind_classifier
from training.calibration.temperature_scaling import fit_temperature_scaling
from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage, Population
from training.errors import TrainingError
from training.exporting.calibration_inputs.chat_copies import append_chat_copies
from training.exporting.calibration_inputs.features import Features
from training.metrics.bootstrap import Floats
from training.model.classifier import POPULATIONS


@dataclass(frozen=True)
class BackgroundImages:
    """Images of the other kinds, from which the classifier learns to tell phone lesions apart.

    Attributes:
        pixels: uint8 [n, size, size, 3].
        kind_names: Name of each image's kind, [n].
    """

    pixels: Pixels
    kind_names: Sequence[str]


@dataclass(frozen=True)
class CalibratedOutputs:
    """Of n images: calibrated `probabilities` [n, labels], `kinds` [n, kinds], `distance` [n]."""

    probabilities: Floats
    kinds: Floats
    distance: Floats


@dataclass(frozen=True)
class OutOfFoldOutputs:
    """Outputs for n phone images, each by a model that was not trained on it.

    Attributes:
        logits: Of the phone head, [n, labels].
        kinds: Probabilities of the kinds, [n, kinds].
        distance: Feature distance from the phone images of the other folds, [n].
        folds: Fold of each image, [n].
    """

    logits: Floats
    kinds: Floats
    distance: Floats
    folds: npt.NDArray[np.int64]

    def calibrate(self, labels: npt.NDArray[np.integer]) -> CalibratedOutputs:
        """Calibrate each fold by the other folds alone; `labels` [n] are the images' labels."""
        probabilities = np.zeros_like(self.logits)
        for fold in np.unique(self.folds):
            inside = self.folds == fold
            scaling = fit_temperature_scaling(self.logits[~inside], labels[~inside])
            probabilities[inside] = scaling.probabilities(self.logits[inside])
        return CalibratedOutputs(probabilities=probabilities, kinds=self.kinds, distance=self.distance)


def predict_out_of_fold(
    models: Mapping[int, keras.Model], images: Sequence[LabelledImage], pixels: Pixels, background: BackgroundImages
) -> OutOfFoldOutputs:
    """Predict phone images, each with the model of its fold.

    For each fold the kind classifier and the feature distance are fitted anew: to the images of the other folds, to
    chat copies of them, and to `background`.

    Args:
        models: The model trained without a fold, by the number of the fold.
        images: Phone images, n of them.
        pixels: uint8 [n, size, size, 3].
        background: Images of the other kinds.

    Raises:
        TrainingError: A fold has no model.
    """
    missing = {image.fold for image in images} - set(models)
    if missing:
        raise TrainingError(f"No model has left out fold {missing.pop()}: train one with --fold.")
    folds = np.array([image.fold for image in images])
    head = POPULATIONS.index(Population.PHONE)
    with_copies = append_chat_copies(pixels)
    parts = []
    for fold, model in sorted(models.items()):
        inside = np.flatnonzero(folds == fold)
        outside = np.flatnonzero(np.tile(folds != fold, 2))
        phone, others = Features.extract(model, with_copies), Features.extract(model, background.pixels)
        kinds = fit_kind_classifier(
            np.concatenate((others.all_means, phone.all_means[outside])),
            [*background.kind_names, *[PHONE] * len(outside)],
        )
        distance = fit_distance(phone.middle[outside])
        parts.append((inside, phone, kinds.probabilities(phone.all_means), distance(phone.middle)))
    # The parts come fold by fold: this puts their rows back into the order of the images.
    order = np.argsort(np.concatenate([rows for rows, *_ in parts]))
    return OutOfFoldOutputs(
        logits=np.concatenate([phone.logits[rows, head] for rows, phone, *_ in parts])[order],
        kinds=np.concatenate([probabilities[rows] for rows, _, probabilities, _ in parts])[order],
        distance=np.concatenate([distances[rows] for rows, _, _, distances in parts])[order],
        folds=folds,
    )
