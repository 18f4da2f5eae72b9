"""Feature distance: how far an image is from the training images, by a feature map from the middle of the model."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.metrics.bootstrap import Floats

#: Directions that get a variance of their own; all others share one.
MAX_DIRECTIONS: Final = 64
#: Share of the held-out lesions of a population that are within its largest distance.
POPULATION_SHARE: Final = 0.975
#: Lower limit of a variance, as a share of the mean variance: a constant channel has variance 0, which cannot be a
#: divisor.
_MIN_VARIANCE: Final = 1e-6


@dataclass(frozen=True)
class FeatureDistance:
    """Mahalanobis distance to the mean of the training images, divided by the root of the number of features.

    A training image has a distance of about 1. It follows Lee et al., NeurIPS 2018 (arXiv 1807.03888), with these
    choices:

    - The features are the channel means of a map in the middle of the model. The last map encodes lesions and little
      else: by it most phone images look like dermatoscope images. By the middle one they do not (ROC AUC 0.76 and
      0.96).
    - There is one mean for all labels. One mean per label told phone from dermatoscope no better.
    - The covariance is that of probabilistic PCA (Tipping and Bishop 1999): `MAX_DIRECTIONS` variances, and one for all
      other directions. It does not inflate directions in which the training images do not vary.

    Attributes:
        mean: float32 [features].
        directions: float32 [features, k], orthonormal.
        precision_gain: Inverse variance along each direction, less that of the other directions: float32 [k].
        residual_variance: Variance of the other directions.
    """

    mean: npt.NDArray[np.float32]
    directions: npt.NDArray[np.float32]
    precision_gain: npt.NDArray[np.float32]
    residual_variance: float

    def __call__(self, features: Floats) -> npt.NDArray[np.float64]:
        """Distances float64 [n] of features [n, features]. The exported graph computes the same."""
        centred = features.astype(np.float64) - self.mean
        projected = centred @ self.directions
        squared = (projected**2 * self.precision_gain).sum(-1) + (centred**2).sum(-1) / self.residual_variance
        return np.asarray(np.sqrt(np.maximum(squared, 0) / len(self.mean)))


def fit_distance(features: Floats) -> FeatureDistance:
    """Fit the distance to the features [n, features] of the training images."""
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean
    variances, vectors = np.linalg.eigh(centred.T @ centred / len(features))
    variances = np.maximum(variances, _MIN_VARIANCE * variances.mean() + 1e-12)
    kept = min(MAX_DIRECTIONS, len(variances) // 2)
    residual = float(variances[:-kept].mean())
    return FeatureDistance(
        mean=mean.astype(np.float32),
        directions=vectors[:, -kept:].astype(np.float32),
        precision_gain=(1 / variances[-kept:] - 1 / residual).astype(np.float32),
        residual_variance=residual,
    )


def choose_max_distance(distances: Floats) -> float:
    """Choose the distance up to which an image belongs to a population, from those [n] of its held-out lesions."""
    return float(np.quantile(distances, POPULATION_SHARE))
