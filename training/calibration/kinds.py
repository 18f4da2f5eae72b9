"""Classifies the kind of an image: a lesion by a dermatoscope, a lesion by a phone, or no lesion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from shared.model.artefact import Kinds, Metric
from training.data.records.labelled_image import Population
from training.data.sources import PhoneSubject
from training.metrics.auc import auc_metric
from training.metrics.bootstrap import Floats

DERMATOSCOPE: Final = Population.DERMATOSCOPE.value
PHONE: Final = Population.PHONE.value
NO_LESION: Final = "no_lesion"
#: An image is refused if its probability of `NO_LESION` is at least one half. No held-out images chose this limit.
KINDS: Final = Kinds(names=(DERMATOSCOPE, PHONE, NO_LESION), no_lesion=NO_LESION, refuse_from=0.5)
#: Inverse strength of the ridge penalty, for features of variance 1: about 1400 features, 4000 images.
_INVERSE_PENALTY: Final = 0.03


@dataclass(frozen=True)
class KindClassifier:
    """Logits of the kinds are `features @ weights + bias`: float32 [features, kinds] and [kinds]."""

    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    def probabilities(self, features: Floats) -> Floats:
        """Probabilities [n, kinds] of features [n, features]. The exported graph computes the same."""
        logits = features @ self.weights + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def kind_name(subject: PhoneSubject) -> str:
    """Name in the artefact of the kind that a phone image of this subject is."""
    return PHONE if subject is PhoneSubject.LESION else NO_LESION


def fit_kind_classifier(features: Floats, names: Sequence[str]) -> KindClassifier:
    """Fit a multinomial logistic regression in which all kinds have the same weight.

    Args:
        features: [n, features].
        names: Each image's kind, [n], by its name in the artefact.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    targets = [KINDS.names.index(name) for name in names]
    regression = LogisticRegression(C=_INVERSE_PENALTY, max_iter=500, class_weight="balanced").fit(
        (features - mean) / spread, targets
    )
    weights = regression.coef_.T / spread[:, None]
    return KindClassifier(weights.astype(np.float32), (regression.intercept_ - mean @ weights).astype(np.float32))


def measure_kinds(lesions: Mapping[str, Floats], phone: Mapping[PhoneSubject, Floats]) -> dict[str, Metric]:
    """Measure the classifier on images that it was not fitted to.

    Args:
        lesions: Sets of dermatoscope lesions by name: the probabilities [n, kinds] of each.
        phone: Probabilities [n, kinds] of phone images, by their subject.

    Raises:
        KeyError: There are no phone lesions.
    """
    probabilities = {**lesions, **{str(subject): values for subject, values in phone.items()}}
    actual = dict.fromkeys(lesions, DERMATOSCOPE) | {str(subject): kind_name(subject) for subject in phone}
    no_lesion = KINDS.names.index(NO_LESION)
    limit = KINDS.refuse_from or 1.0
    metrics = {}
    for name, values in probabilities.items():
        is_right = values.argmax(axis=1) == KINDS.names.index(actual[name])
        metrics[f"{name}.named_right"] = Metric(value=float(is_right.mean()), pictures=len(values))
        is_refused = values[:, no_lesion] >= limit
        metrics[f"{name}.refused"] = Metric(value=float(is_refused.mean()), pictures=len(values))
    others = [values for subject, values in phone.items() if subject is not PhoneSubject.LESION]
    if others:
        all_lesions = [*lesions.values(), phone[PhoneSubject.LESION]]
        scores = np.concatenate([*all_lesions, *others])[:, no_lesion]
        is_other = np.arange(len(scores)) >= sum(len(values) for values in all_lesions)
        metrics["no_lesion.auc"] = auc_metric(scores, is_other)
    return metrics
