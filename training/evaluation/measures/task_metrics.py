"""One question about one set: its figures, its operating points and its curves."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.model.artefact import Bands, Manifest
from training.evaluation.result import Curve as Points
from training.evaluation.result import DiagramBin, Figures, OperatingPoint, TaskResult
from training.evaluation.scored_sets import Judged
from training.evaluation.tasks import Task, score, truth
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
from training.metrics.probability import BIN_COUNT, make_brier_score, make_calibration_error

#: Shares of lesions that are positive, for predictive values: people who ask of themselves, a practice, a clinic.
PREVALENCES: Final = (0.01, 0.05, 0.2)
#: isic-challenge-scoring calls what is above 0.5.
_ISIC: Final = float(np.nextafter(0.5, 1))
_POINTS: Final = 150


def task_result(task: Task, judged: Judged, manifest: Manifest) -> TaskResult | None:
    """All figures of one question; None where all answers are the same."""
    positive, scores = truth(task, judged.pictures), score(task, judged.probabilities, manifest.labels)
    if positive.all() or not positive.any():
        return None
    weights = draw_weights(positive, judged.groups)
    once = RocCurve.from_scores(scores, positive, np.ones((1, len(scores))))
    return TaskResult(
        task=task,
        pictures=len(scores),
        positive=int(positive.sum()),
        figures=curve_figures(scores, positive, weights) | probability_figures(scores, positive, weights),
        operating=tuple(
            OperatingPoint(name=name, threshold=threshold, figures=_operating(scores >= threshold, positive, weights))
            for name, threshold in _thresholds(task, judged, manifest)
        ),
        roc=_drawn(once, once.false_positive_rate[0], once.sensitivity[0]),
        precision_recall=_drawn(once, once.sensitivity[0], once.precision[0]),
        diagram=_diagram(scores, positive),
    )


def curve_figures(scores: Floats, positive: Flags, weights: DrawWeights) -> Figures:
    """Figures of all thresholds."""

    def measure(some: DrawWeights) -> dict[str, Floats]:
        curve = RocCurve.from_scores(scores, positive, some)
        return {
            "auc": area_under_curve(curve),
            "average_precision": average_precision(curve),
            "auc_sens_80": area_above_sensitivity(curve, 0.8),
            "specificity_at_95_sensitivity": specificity_at_sensitivity(curve, 0.95),
        }

    return metrics_with_intervals(measure, weights)


def probability_figures(scores: Floats, positive: Flags, weights: DrawWeights) -> Figures:
    """Figures of what the probabilities say."""
    brier = metric_with_interval(make_brier_score(scores, positive), weights)
    error = metric_with_interval(make_calibration_error(scores, positive), weights, basic=True)
    return {name: found for name, found in (("brier", brier), ("ece", error)) if found is not None}


def bands_of(judged: Judged, manifest: Manifest) -> Bands | None:
    """The bands of the set's population, if the artefact has any."""
    return next((known.bands for known in manifest.populations if known.name == judged.population), None)


def _thresholds(task: Task, judged: Judged, manifest: Manifest) -> Sequence[tuple[str, float]]:
    bands = bands_of(judged, manifest) if task is Task.COUNTED else None
    served = [("not low", bands.low_below), ("high", bands.high_from)] if bands else []
    return [*served, ("above 0.5", _ISIC)]


def _operating(called: Flags, positive: Flags, weights: DrawWeights) -> Figures:
    figures = BinaryPredictions(called, positive).metric_functions(PREVALENCES)
    return metrics_with_intervals(lambda some: {name: figure(some) for name, figure in figures.items()}, weights)


def _drawn(curve: RocCurve, x: Floats, y: Floats) -> Points:
    """At most `_POINTS` of the curve's points, those at its corners: where a positive picture is called."""
    steps = np.flatnonzero(np.diff(curve.sensitivity[0]) > 0)
    corners = np.unique(np.concatenate([[0], steps, steps + 1, [len(x) - 1]]))
    kept = corners[np.unique(np.linspace(0, len(corners) - 1, min(len(corners), _POINTS)).round().astype(np.int64))]
    return tuple((float(x[place]), float(y[place])) for place in kept)


def _diagram(scores: Floats, positive: Flags) -> tuple[DiagramBin, ...]:
    parts = [part for part in np.array_split(np.argsort(scores, kind="stable"), BIN_COUNT) if len(part)]
    return tuple(
        DiagramBin(mean=float(scores[part].mean()), pictures=len(part), positive=int(positive[part].sum()))
        for part in parts
    )
