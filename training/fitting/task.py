"""Tasks: the meaning of a model's outputs."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from training.data.records.labels import COUNTED, LABEL_NAMES, MELANOMA


class Task(StrEnum):
    """The classification task of a model."""

    #: One output for each label.
    DIAGNOSES = "diagnoses"
    #: Two outputs, no melanoma and melanoma: the task of ISIC 2017.
    MELANOMA = "melanoma"

    @property
    def output_count(self) -> int:
        """Number of outputs."""
        return len(LABEL_NAMES) if self is Task.DIAGNOSES else 2

    def output_index(self, label: int) -> int:
        """Return the output for an image of `label`, an index into the labels."""
        return label if self is Task.DIAGNOSES else int(label == MELANOMA)

    def melanoma_probability(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return the probability [n] of a melanoma from those of the outputs, [n, outputs]."""
        return probabilities[:, self.output_index(MELANOMA)]

    def counted_probability(self, probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return the probability [n] of the labels that count, from those of the outputs, [n, outputs]."""
        columns = sorted({self.output_index(label) for label in COUNTED} - {0 if self is Task.MELANOMA else -1})
        return np.asarray(probabilities[:, columns].sum(axis=1))
