"""The area under the ROC curve (AUC)."""

from collections.abc import Sequence

from sklearn.metrics import roc_auc_score

from shared.model.artefact import Metric
from training.metrics.bootstrap import Flags, Floats, draw_weights, metric_with_interval
from training.metrics.curve import RocCurve, area_under_curve


def auc(scores: Floats, positive: Flags) -> float:
    """Compute the AUC of `scores` [n] for `positive` [n]; nan if all are positive or none is."""
    return float(roc_auc_score(positive, scores)) if positive.any() and not positive.all() else float("nan")


def auc_metric(scores: Floats, positive: Flags, groups: Sequence[str] | None = None) -> Metric:
    """Compute the AUC with its 95 % bootstrap interval.

    Args:
        scores: Scores [n].
        positive: Outcomes [n].
        groups: Patient or lesion of each image [n]; groups are drawn whole (`bootstrap.draw_weights`).

    Raises:
        ValueError: If all are positive or none is.
    """
    metric = metric_with_interval(
        lambda weights: area_under_curve(RocCurve.from_scores(scores, positive, weights)),
        draw_weights(positive, groups),
    )
    if metric is None:
        raise ValueError("an AUC needs positive pictures and others")
    return metric
