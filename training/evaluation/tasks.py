"""The three binary tasks that a model is measured on."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from shared.model.artefact import Group, Label
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import LABELS
from training.metrics.bootstrap import Flags, Floats


class Task(StrEnum):
    """A yes-or-no question about a lesion. Its score is a sum of the artefact's probabilities."""

    #: Is it a melanoma? The question of ISIC 2017.
    MELANOMA = "melanoma"
    #: Is it malignant?
    MALIGNANT = "malignant"
    #: Is it malignant or pre-malignant, as far as such labels count? The service reports the probability of this.
    COUNTED = "counted"


def is_positive(task: Task, images: Sequence[LabelledImage]) -> Flags:
    """True for images whose label makes the answer yes, bool [n]."""
    return np.array([_is_positive_label(task, LABELS[image.label]) for image in images], dtype=bool)


def score(task: Task, probabilities: Floats, labels: Sequence[Label]) -> Floats:
    """Compute the probability of yes, [n] in [0, 1], from calibrated probabilities [n, labels] of these `labels`."""
    columns = [index for index, label in enumerate(labels) if _is_positive_label(task, label)]
    # Summed in the same way as in serving: a threshold is the probability of one lesion and must compare as equal.
    return np.asarray(np.clip(probabilities[:, columns].sum(axis=1).astype(np.float64), 0, 1))


def _is_positive_label(task: Task, label: Label) -> bool:
    if task is Task.MELANOMA:
        return label.name == "mel"
    return label.group is Group.MALIGNANT if task is Task.MALIGNANT else label.counts
