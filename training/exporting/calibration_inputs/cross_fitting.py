"""What models say of phone pictures that they have not seen: one model a fold, each asked about its own fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from training.calibration.distance import fit_distance
from training.calibration.kinds import PHONE, fit_kind_classifier
from training.calibration.temperature_scaling import fit_temperature_scaling
from training.data.records.labelled_image import LabelledImage, Population
from training.errors import TrainingError
from training.exporting.calibration_inputs.chat_copies import append_chat_copies
from training.exporting.calibration_inputs.features import Features
from training.model.classifier import POPULATIONS

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class BackgroundImages:
    """What a phone lesion is to be told from: pictures uint8 [n, size, size, 3] with the names of their kinds."""

    pixels: npt.NDArray[np.uint8]
    kind_names: Sequence[str]


@dataclass(frozen=True)
class CalibratedOutputs:
    """Of n pictures: calibrated `probabilities` [n, labels], `kinds` [n, kinds], `distance` [n]."""

    probabilities: Floats
    kinds: Floats
    distance: Floats


@dataclass(frozen=True)
class OutOfFoldOutputs:
    """Of each of n pictures, by a model that has not seen it.

    `logits` [n, labels] by the phone's head, `kinds` [n, kinds] their sum 1, `distance` [n] from the phone pictures
    of the other folds, and the number of its `fold` [n].
    """

    logits: Floats
    kinds: Floats
    distance: Floats
    fold: npt.NDArray[np.int64]

    def calibrate(self, labels: npt.NDArray[np.integer]) -> CalibratedOutputs:
        """The same, each picture calibrated by those of the other folds alone, whose `labels` [n] say what they are."""
        probabilities = np.zeros_like(self.logits)
        for number in np.unique(self.fold):
            inside = self.fold == number
            calibration = fit_temperature_scaling(self.logits[~inside], labels[~inside])
            probabilities[inside] = calibration.probabilities(self.logits[inside])
        return CalibratedOutputs(probabilities=probabilities, kinds=self.kinds, distance=self.distance)


def predict_out_of_fold(
    models: Mapping[int, keras.Model],
    images: Sequence[LabelledImage],
    pixels: npt.NDArray[np.uint8],
    background: BackgroundImages,
) -> OutOfFoldOutputs:
    """Ask the model of each fold, which has not seen it, about phone `pictures` with `pixels` [n, size, size, 3].

    Kinds and distance are fitted anew for each fold, to the pictures of the other folds, to copies of them, and to
    `others`. Raises `TrainingError` where a fold has no model.
    """
    missing = {image.fold for image in images} - set(models)
    if missing:
        raise TrainingError(f"No model has left out fold {missing.pop()}: train one with --fold.")
    fold = np.array([image.fold for image in images])
    head = POPULATIONS.index(Population.PHONE)
    shown = append_chat_copies(pixels)
    parts = []
    for number, model in sorted(models.items()):
        inside = np.flatnonzero(fold == number)
        outside = np.flatnonzero(np.tile(fold != number, 2))
        phone, contrast = Features.extract(model, shown), Features.extract(model, background.pixels)
        kinds = fit_kind_classifier(
            np.concatenate((contrast.all_means, phone.all_means[outside])),
            [*background.kind_names, *[PHONE] * len(outside)],
        )
        distance = fit_distance(phone.middle[outside])
        parts.append((inside, phone, kinds.probabilities(phone.all_means), distance(phone.middle)))
    order = np.concatenate([rows for rows, *_ in parts])
    back = np.argsort(order)
    return OutOfFoldOutputs(
        logits=np.concatenate([phone.logits[rows, head] for rows, phone, *_ in parts])[back],
        kinds=np.concatenate([shares[rows] for rows, _, shares, _ in parts])[back],
        distance=np.concatenate([far[rows] for rows, _, _, far in parts])[back],
        fold=fold,
    )
