"""What a model's outputs stand for."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from training.data.records.labels import COUNTED, LABEL_NAMES, MELANOMA


class Task(StrEnum):
    """The question that the model answers."""

    #: Which of the labels is it? One output each.
    DIAGNOSES = "diagnoses"
    #: Is it a melanoma? Two outputs, no and yes: the task of ISIC 2017.
    MELANOMA = "melanoma"

    @property
    def output_count(self) -> int:
        """Number of outputs."""
        return len(LABEL_NAMES) if self is Task.DIAGNOSES else 2

    def output_index(self, label: int) -> int:
        """Output that a picture of `label`, an index into the labels, belongs to."""
        return label if self is Task.DIAGNOSES else int(label == MELANOMA)

    def melanoma_probability(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Probability [n] of a melanoma from those of the outputs, [n, outputs]."""
        return probabilities[:, self.output_index(MELANOMA)]

    def counted_probability(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Probability [n] that the lesion is of a label that counts, from those of the outputs, [n, outputs]."""
        columns = sorted({self.output_index(label) for label in COUNTED} - {0 if self is Task.MELANOMA else -1})
        return np.asarray(probabilities[:, columns].sum(axis=1))
