"""The area under the ROC curve, the field's first figure."""

from collections.abc import Sequence

from sklearn.metrics import roc_auc_score

from shared.model.artefact import Metric
from training.metrics.bootstrap import Flags, Floats, draw_weights, metric_with_interval
from training.metrics.curve import RocCurve, area_under_curve


def auc(scores: Floats, positive: Flags) -> float:
    """Area under the ROC curve of `scores` [n] for `positive` [n]; nan where all are positive or none is."""
    return float(roc_auc_score(positive, scores)) if positive.any() and not positive.all() else float("nan")


def auc_metric(scores: Floats, positive: Flags, groups: Sequence[str] | None = None) -> Metric:
    """The AUC with its 95 % bootstrap interval; `groups` [n] are drawn whole (`bootstrap.draws`).

    Raises `ValueError` where all are positive or none is.
    """
    found = metric_with_interval(
        lambda weights: area_under_curve(RocCurve.from_scores(scores, positive, weights)),
        draw_weights(positive, groups),
    )
    if found is None:
        raise ValueError("an AUC needs positive pictures and others")
    return found
