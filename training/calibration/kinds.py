"""Tells what a picture is: a lesion under a dermatoscope, a lesion by a phone, or no lesion."""

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

Floats = npt.NDArray[np.floating]

DERMATOSCOPE: Final = Population.DERMATOSCOPE.value
PHONE: Final = Population.PHONE.value
NO_LESION: Final = "no_lesion"
#: Refused is what is likelier no lesion than any lesion: a limit that no held-out picture had a part in.
KINDS: Final = Kinds(names=(DERMATOSCOPE, PHONE, NO_LESION), no_lesion=NO_LESION, refuse_from=0.5)
#: Inverse strength of the ridge penalty, for features of variance 1: about 1400 features, 4000 pictures.
_FREEDOM: Final = 0.03


@dataclass(frozen=True)
class KindClassifier:
    """Logits of the kinds are `features @ weights + bias`: float32 [features, kinds] and [kinds]."""

    weights: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    def probabilities(self, features: Floats) -> Floats:
        """Shares of the kinds [n, kinds], their sum 1, of features [n, features]; the exported graph has the same."""
        logits = features @ self.weights + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def kind_name(kind: PhoneSubject) -> str:
    """The kind of picture, by the name in the artefact, that a phone picture is."""
    return PHONE if kind is PhoneSubject.LESION else NO_LESION


def fit_kind_classifier(features: Floats, names: Sequence[str]) -> KindClassifier:
    """Multinomial logistic regression of features [n, features] on the kinds' `names` [n], each as heavy."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    wanted = [KINDS.names.index(name) for name in names]
    found = LogisticRegression(C=_FREEDOM, max_iter=500, class_weight="balanced").fit(
        (features - mean) / spread, wanted
    )
    weights = found.coef_.T / spread[:, None]
    return KindClassifier(weights.astype(np.float32), (found.intercept_ - mean @ weights).astype(np.float32))


def measure_kinds(lesions: Mapping[str, Floats], phone: Mapping[PhoneSubject, Floats]) -> dict[str, Metric]:
    """Figures from shares of the kinds, each [n, kinds], of pictures that the head has not seen.

    `lesions` are sets of dermatoscope pictures by their name. Raises `KeyError` where there are no phone lesions.
    """
    rows = {**lesions, **{str(kind): shares for kind, shares in phone.items()}}
    right = dict.fromkeys(lesions, DERMATOSCOPE) | {str(kind): kind_name(kind) for kind in phone}
    nothing = KINDS.names.index(NO_LESION)
    limit = KINDS.refuse_from or 1.0
    metrics = {}
    for name, shares in rows.items():
        named = shares.argmax(axis=1) == KINDS.names.index(right[name])
        metrics[f"{name}.named_right"] = Metric(value=float(named.mean()), pictures=len(shares))
        refused = shares[:, nothing] >= limit
        metrics[f"{name}.refused"] = Metric(value=float(refused.mean()), pictures=len(shares))
    others = [shares for kind, shares in phone.items() if kind is not PhoneSubject.LESION]
    if others:
        shown = [*lesions.values(), phone[PhoneSubject.LESION]]
        scores = np.concatenate([*shown, *others])[:, nothing]
        is_other = np.arange(len(scores)) >= sum(len(shares) for shares in shown)
        metrics["no_lesion.auc"] = auc_metric(scores, is_other)
    return metrics
