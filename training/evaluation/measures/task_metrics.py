"""Measures one task on one set: its figures, its operating points and its curves."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.contract.decision import Band
from shared.model.artefact import Bands, Manifest
from training.evaluation.result import CurvePoints, DiagramBin, Figures, OperatingPoint, TaskResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.served_answers import decide_set
from training.evaluation.tasks import Task, is_positive, score
from training.metrics.bootstrap import (
    DrawWeights,
    Flags,
    Floats,
    draw_weights,
    metric_with_interval,
    metrics_with_intervals,
)
from training.metrics.curve import (
    RocCurve,
    area_above_sensitivity,
    area_under_curve,
    average_precision,
    specificity_at_sensitivity,
)
from training.metrics.operating_points import BinaryPredictions
from training.metrics.probability import assign_bins, make_brier_score, make_calibration_error

#: Shares of positive lesions that predictive values are computed for: among users, in a practice, in a clinic.
PREVALENCES: Final = (0.01, 0.05, 0.2)
#: isic-challenge-scoring calls a lesion positive if its score is above 0.5.
_ISIC_THRESHOLD: Final = float(np.nextafter(0.5, 1))
_MAX_CURVE_POINTS: Final = 150


def measure_task(task: Task, scored_set: ScoredSet, manifest: Manifest) -> TaskResult | None:
    """Compute all figures of one task; None if all images have the same answer."""
    positive, scores = is_positive(task, scored_set.images), score(task, scored_set.probabilities, manifest.labels)
    if positive.all() or not positive.any():
        return None
    weights = draw_weights(positive, scored_set.groups)
    curve = RocCurve.from_scores(scores, positive, np.ones((1, len(scores))))
    return TaskResult(
        task=task,
        pictures=len(scores),
        positive=int(positive.sum()),
        figures=measure_curve(scores, positive, weights) | measure_probabilities(scores, positive, weights),
        operating=tuple(
            OperatingPoint(name=name, threshold=threshold, figures=_measure_operating_point(called, positive, weights))
            for name, threshold, called in _list_operating_points(task, scores, scored_set, manifest)
        ),
        roc=_thin_out(curve, curve.false_positive_rate[0], curve.sensitivity[0]),
        precision_recall=_thin_out(curve, curve.sensitivity[0], curve.precision[0]),
        diagram=_bin_scores(scores, positive),
    )


def measure_curve(scores: Floats, positive: Flags, weights: DrawWeights) -> Figures:
    """Compute the figures of all thresholds together."""

    def measure(chunk: DrawWeights) -> dict[str, Floats]:
        curve = RocCurve.from_scores(scores, positive, chunk)
        return {
            "auc": area_under_curve(curve),
            "average_precision": average_precision(curve),
            "auc_sens_80": area_above_sensitivity(curve, 0.8),
            "specificity_at_95_sensitivity": specificity_at_sensitivity(curve, 0.95),
        }

    return metrics_with_intervals(measure, weights)


def measure_probabilities(scores: Floats, positive: Flags, weights: DrawWeights) -> Figures:
    """Compute Brier score and calibration error."""
    brier = metric_with_interval(make_brier_score(scores, positive), weights)
    error = metric_with_interval(make_calibration_error(scores, positive), weights, basic=True)
    return {name: figure for name, figure in (("brier", brier), ("ece", error)) if figure is not None}


def find_bands(scored_set: ScoredSet, manifest: Manifest) -> Bands | None:
    """The bands of the set's population, if the artefact has any."""
    return next((known.bands for known in manifest.populations if known.name == scored_set.population), None)


def _list_operating_points(
    task: Task, scores: Floats, scored_set: ScoredSet, manifest: Manifest
) -> Sequence[tuple[str, float, Flags]]:
    """Names, thresholds and predictions. Bands are those that are served, whatever population an image is taken for."""
    points = [("above 0.5", _ISIC_THRESHOLD, scores >= _ISIC_THRESHOLD)]
    bands = find_bands(scored_set, manifest) if task is Task.COUNTED else None
    if bands is None:
        return points
    answers = decide_set(scored_set, manifest)
    return [
        ("not low", bands.low_below, answers != Band.LOW.value),
        ("high", bands.high_from, answers == Band.HIGH.value),
        *points,
    ]


def _measure_operating_point(predicted: Flags, positive: Flags, weights: DrawWeights) -> Figures:
    functions = BinaryPredictions(predicted, positive).metric_functions(PREVALENCES)
    return metrics_with_intervals(
        lambda chunk: {name: function(chunk) for name, function in functions.items()}, weights
    )


def _thin_out(curve: RocCurve, x: Floats, y: Floats) -> CurvePoints:
    """Select at most `_MAX_CURVE_POINTS` points at the curve's corners, where the sensitivity rises."""
    steps = np.flatnonzero(np.diff(curve.sensitivity[0]) > 0)
    corners = np.unique(np.concatenate([[0], steps, steps + 1, [len(x) - 1]]))
    count = min(len(corners), _MAX_CURVE_POINTS)
    selected = corners[np.unique(np.linspace(0, len(corners) - 1, count).round().astype(np.int64))]
    return tuple((float(x[index]), float(y[index])) for index in selected)


def _bin_scores(scores: Floats, positive: Flags) -> tuple[DiagramBin, ...]:
    bins = assign_bins(scores)
    return tuple(
        DiagramBin(
            mean=float(scores[bins == number].mean()),
            pictures=int((bins == number).sum()),
            positive=int(positive[bins == number].sum()),
        )
        for number in np.unique(bins)
    )
