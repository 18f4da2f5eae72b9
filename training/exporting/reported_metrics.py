"""What the exported graph reaches on held-out pictures and on the test set, as the manifest states it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.model.artefact import Metric
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import COUNTED, MALIGNANT, MELANOMA
from training.data.sources import HAM10000, ISIC2017
from training.exporting.predictor import Predicted
from training.metrics.auc import auc_metric
from training.metrics.probability import calibration_error


def counted_probability(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Probability [n], in [0, 1], that the lesion is of a label that counts."""
    return np.clip(probabilities[:, COUNTED].sum(axis=1), 0, 1)  # type: ignore[no-any-return]


def is_counted(images: Sequence[LabelledImage]) -> npt.NDArray[np.bool_]:
    """Whether each picture's label counts."""
    return np.isin([image.label for image in images], COUNTED)


def measure_held_out(images: Sequence[LabelledImage], predicted: Predicted) -> dict[str, Metric]:
    """Figures on the pictures that calibration used too: the AUCs do not gain by that, the error does."""
    sources = np.array([image.source for image in images])
    melanoma = np.array([image.label == MELANOMA for image in images])
    malignant, probability = is_counted(images), counted_probability(predicted.probabilities)
    metrics = {}
    for source, name in ((ISIC2017, "isic2017_valid"), (HAM10000, "ham10000_held_out")):
        rows = sources == source
        if not rows.any():
            continue
        scores = predicted.probabilities[rows, MELANOMA]
        metrics[f"{name}.melanoma_auc"] = auc_metric(scores, melanoma[rows])
        metrics[f"{name}.counted_auc"] = auc_metric(probability[rows], malignant[rows])
    error = calibration_error(probability, malignant)
    metrics["held_out.calibration_error"] = Metric(value=error, pictures=len(images))
    return metrics


def measure_isic2017_test(images: Sequence[LabelledImage], predicted: Predicted) -> dict[str, Metric]:
    """Figures on the ISIC 2017 test set, which nothing was chosen by."""
    melanoma = np.array([image.label == MELANOMA for image in images])
    scores = predicted.probabilities[:, MELANOMA]
    error = calibration_error(counted_probability(predicted.probabilities), is_counted(images))
    return {
        "isic2017_test.melanoma_auc": auc_metric(scores, melanoma),
        "isic2017_test.calibration_error": Metric(value=error, pictures=len(images)),
    }


#: Share of the picture from which a pen mark is taken for one: doctors mark what they suspect.
MIN_PEN_SHARE: Final = 0.005


def measure_phone(images: Sequence[LabelledImage], probabilities: npt.NDArray[np.floating]) -> dict[str, Metric]:
    """Figures on phone pictures from probabilities [n, labels] by models that have not seen them.

    Malignant are melanoma, basal and squamous cell carcinoma, against all the rest.
    """
    malignant = np.isin([image.label for image in images], MALIGNANT)
    unmarked = np.array([(image.pen or 0) <= MIN_PEN_SHARE for image in images])
    scores = probabilities[:, MALIGNANT].sum(axis=1)
    error = calibration_error(counted_probability(probabilities), is_counted(images))
    return {
        "phone_out_of_fold.malignant_auc": auc_metric(scores, malignant),
        "phone_out_of_fold.malignant_auc_without_pen": auc_metric(scores[unmarked], malignant[unmarked]),
        "phone_out_of_fold.counted_auc": auc_metric(counted_probability(probabilities), is_counted(images)),
        "phone_out_of_fold.calibration_error": Metric(value=error, pictures=len(images)),
    }
