"""Cross-fitting: predicts each phone image with the model of its fold, which was trained without that fold.

A lesion's probabilities and distance are those that serving would take: of the head of the population that the model
takes the image for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from training.calibration.distance import fit_distance
from training.calibration.kinds import DERMATOSCOPE, PHONE, fit_kind_classifier
from training.calibration.temperature_scaling import TemperatureScaling, fit_temperature_scaling
from training.data.image_cache import Pixels
from training.data.records.labelled_image import LabelledImage, Population
from training.data.sources import PhoneImage
from training.errors import TrainingError
from training.exporting.calibration_inputs.chat_copies import append_chat_copies
from training.exporting.calibration_inputs.features import Features
from training.metrics.bootstrap import Floats
from training.model.classifier import POPULATIONS
from training.model.views import ViewAverager


@dataclass(frozen=True)
class BackgroundImages:
    """Images of the other kinds, from which the classifier learns to tell phone lesions apart.

    Attributes:
        pixels: uint8 [n, size, size, 3].
        kind_names: Name of each image's kind, [n].
        folds: Fold of each image, [n]; -1 for none. An image of a fold shows skin of one of its patients.
    """

    pixels: Pixels
    kind_names: Sequence[str]
    folds: npt.NDArray[np.int64]


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
        logits: Of all heads, [n, populations, labels].
        kinds: Probabilities of the kinds, [n, kinds].
        distance: Feature distance from the images of each population without the fold, [n, populations].
        folds: Fold of each image, [n].
    """

    logits: Floats
    kinds: Floats
    distance: Floats
    folds: npt.NDArray[np.int64]

    @property
    def heads(self) -> npt.NDArray[np.int64]:
        """Index of the population that each image is taken for, [n]."""
        return np.asarray(self.kinds[:, : len(POPULATIONS)].argmax(axis=1))

    @property
    def phone_logits(self) -> Floats:
        """Logits of the phone head, [n, labels]."""
        return np.asarray(self.logits[:, POPULATIONS.index(Population.PHONE)])

    def split(self, count: int) -> tuple["OutOfFoldOutputs", "OutOfFoldOutputs"]:
        """Outputs for the first `count` images, and for the others."""
        parts = (slice(None, count), slice(count, None))
        first, rest = (
            OutOfFoldOutputs(self.logits[part], self.kinds[part], self.distance[part], self.folds[part])
            for part in parts
        )
        return first, rest

    def calibrate(self, labels: npt.NDArray[np.integer], dermatoscope: TemperatureScaling) -> CalibratedOutputs:
        """Calibrate the outputs of the head that is served.

        The phone head is calibrated for each fold by the other folds alone. No phone image was used for the
        calibration of the other head.

        Args:
            labels: Of the images, [n].
            dermatoscope: Calibration of the head for dermatoscope images.
        """
        probabilities = dermatoscope.probabilities(self.logits[:, POPULATIONS.index(Population.DERMATOSCOPE)])
        is_phone = self.heads == POPULATIONS.index(Population.PHONE)
        for fold in np.unique(self.folds):
            inside = self.folds == fold
            scaling = fit_temperature_scaling(self.phone_logits[~inside], labels[~inside])
            probabilities[inside & is_phone] = scaling.probabilities(self.phone_logits[inside & is_phone])
        distance = np.take_along_axis(self.distance, self.heads[:, None], axis=1)[:, 0]
        return CalibratedOutputs(probabilities=probabilities, kinds=self.kinds, distance=distance)


def predict_out_of_fold(
    models: Mapping[int, keras.Model | ViewAverager],
    images: Sequence[LabelledImage],
    pixels: Pixels,
    others: Sequence[PhoneImage],
    other_pixels: Pixels,
    background: BackgroundImages,
) -> OutOfFoldOutputs:
    """Predict phone images, each with the model of its fold: the lesions `images`, then the `others` of no lesion.

    For each fold the kind classifier and the feature distance are fitted anew: to the lesions of the other folds, to
    chat copies of them, and to the part of `background` that is not of the fold.

    Args:
        models: The model trained without a fold, by the number of the fold.
        images: Phone images of lesions, n of them.
        pixels: uint8 [n, size, size, 3].
        others: Phone images of no lesion that have a fold, m of them.
        other_pixels: uint8 [m, size, size, 3].
        background: Images of the other kinds.

    Returns:
        Outputs for n + m images.

    Raises:
        TrainingError: A fold has no model.
    """
    missing = {image.fold for image in images} - set(models)
    if missing:
        raise TrainingError(f"No model has left out fold {missing.pop()}: train one with --fold.")
    folds = np.array([image.fold for image in images], np.int64)
    all_folds = np.concatenate((folds, np.array([image.fold for image in others], np.int64)))
    with_copies = append_chat_copies(pixels)
    background_names = np.array(background.kind_names)
    parts = []
    for fold, model in sorted(models.items()):
        outside = np.tile(folds != fold, 2)
        known = background.folds != fold
        phone, rest = Features.extract(model, with_copies), Features.extract(model, background.pixels)
        kinds = fit_kind_classifier(
            np.concatenate((rest.all_means[known], phone.all_means[outside])),
            [*background_names[known].tolist(), *[PHONE] * int(outside.sum())],
        )
        distances = {
            DERMATOSCOPE: fit_distance(rest.middle[background_names == DERMATOSCOPE]),
            PHONE: fit_distance(phone.middle[outside]),
        }
        inside = all_folds == fold
        tested = Features.extract(model, np.concatenate((pixels, other_pixels))[inside])
        parts.append(
            (
                np.flatnonzero(inside),
                tested.logits,
                kinds.probabilities(tested.all_means),
                np.stack([distances[population](tested.middle) for population in POPULATIONS], axis=1),
            )
        )
    # The parts come fold by fold: this puts their rows back into the order of the images.
    rows, logits, kinds_of_images, distance = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(rows)
    return OutOfFoldOutputs(logits[order], kinds_of_images[order], distance[order], all_folds)
