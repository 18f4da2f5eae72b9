"""The metrics that `model.json` reports."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from runtimes.base import PredictionBatch
from shared.model.artefact import Metric
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import COUNTED, MALIGNANT, MELANOMA
from training.data.sources import ISIC2017, is_chosen_by_diagnosis
from training.metrics.auc import auc_metric
from training.metrics.probability import calibration_error


def counted_probability(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Sum, [n] in [0, 1], of the probabilities [n, labels] of the labels that count."""
    return np.clip(probabilities[:, COUNTED].sum(axis=1), 0, 1)  # type: ignore[no-any-return]


def is_counted(images: Sequence[LabelledImage]) -> npt.NDArray[np.bool_]:
    """True for images of a label that counts, [n]."""
    return np.isin([image.label for image in images], COUNTED)


def measure_held_out(images: Sequence[LabelledImage], predicted: PredictionBatch) -> dict[str, Metric]:
    """Measure the graph on the held-out images.

    Calibration used these images too. That improves the calibration error, not the AUCs.
    """
    sources = np.array([image.source for image in images])
    is_melanoma = np.array([image.label == MELANOMA for image in images])
    positive, probability = is_counted(images), counted_probability(predicted.probabilities)
    metrics = {}
    for source in dict.fromkeys(sources.tolist()):
        name, rows = "isic2017_valid" if source == ISIC2017 else f"{source}_held_out", sources == source
        scores = predicted.probabilities[rows, MELANOMA]
        groups = _list_groups(images, rows)
        metrics[f"{name}.melanoma_auc"] = auc_metric(scores, is_melanoma[rows], groups)
        metrics[f"{name}.counted_auc"] = auc_metric(probability[rows], positive[rows], groups)
    natural = ~np.array([is_chosen_by_diagnosis(source) for source in sources])
    metrics["held_out.calibration_error"] = calibration_error(
        probability[natural], positive[natural], _list_groups(images, natural)
    )
    return metrics


def measure_isic2017_test(images: Sequence[LabelledImage], predicted: PredictionBatch) -> dict[str, Metric]:
    """Measure the graph on the ISIC 2017 test set. No choice was made by it."""
    is_melanoma = np.array([image.label == MELANOMA for image in images])
    scores, groups = predicted.probabilities[:, MELANOMA], [image.group for image in images]
    return {
        "isic2017_test.melanoma_auc": auc_metric(scores, is_melanoma, groups),
        "isic2017_test.calibration_error": calibration_error(
            counted_probability(predicted.probabilities), is_counted(images), groups
        ),
    }


#: Share of the image above which it counts as marked by pen. Doctors mark the lesions that they suspect.
MIN_PEN_SHARE: Final = 0.005


def measure_phone(images: Sequence[LabelledImage], probabilities: npt.NDArray[np.floating]) -> dict[str, Metric]:
    """Measure out-of-fold probabilities [n, labels] of phone images.

    Malignant labels are melanoma, basal and squamous cell carcinoma; they are measured against all others.
    """
    malignant = np.isin([image.label for image in images], MALIGNANT)
    unmarked = np.array([(image.pen or 0) <= MIN_PEN_SHARE for image in images])
    scores, groups = probabilities[:, MALIGNANT].sum(axis=1), [image.group for image in images]
    counted, positive = counted_probability(probabilities), is_counted(images)
    return {
        "phone_out_of_fold.malignant_auc": auc_metric(scores, malignant, groups),
        "phone_out_of_fold.malignant_auc_without_pen": auc_metric(
            scores[unmarked], malignant[unmarked], _list_groups(images, unmarked)
        ),
        "phone_out_of_fold.counted_auc": auc_metric(counted, positive, groups),
        "phone_out_of_fold.calibration_error": calibration_error(counted, positive, groups),
    }


def _list_groups(images: Sequence[LabelledImage], rows: npt.NDArray[np.bool_]) -> list[str]:
    """Patient or lesion of each image whose flag in `rows` is true: intervals draw them whole, as the card's do."""
    return [image.group for image, is_selected in zip(images, rows, strict=True) if is_selected]
