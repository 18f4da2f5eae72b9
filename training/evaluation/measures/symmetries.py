"""Measures test-time averaging over the eight symmetries of a square: its gain in AUC and its cost.

A lesion has no up and no left, so all eight are as likely as the image itself (Perez et al., arXiv 1809.01442, average
in this way too). The service predicts each image once.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.model.artefact import Manifest
from training.data.image_cache import Pixels, decode_file
from training.evaluation.result import SymmetryResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.tasks import Task, is_positive, score
from training.exporting.predictor import GraphPredictor
from training.metrics.auc import auc_metric
from training.metrics.bootstrap import DrawWeights, Floats, draw_weights, metric_with_interval
from training.metrics.curve import RocCurve, area_under_curve

_BATCH: Final = 32


def measure_symmetries(
    scored_set: ScoredSet, graph: GraphPredictor, manifest: Manifest, progress: Callable[[str], None]
) -> tuple[SymmetryResult, ...]:
    """Measure the AUC of each task with one prediction and with the mean of eight.

    `scored_set` is a set that the artefact's graph was not trained on, scored by that graph.
    """
    progress(f"eight symmetries: {len(scored_set.images)} pictures, {scored_set.title}")
    sums: npt.NDArray[np.float64] = np.zeros(scored_set.probabilities.shape)
    durations = np.zeros(8)
    for start in range(0, len(scored_set.images), _BATCH):
        batch = scored_set.images[start : start + _BATCH]
        pixels = np.stack([decode_file(image.path, manifest.picture) for image in batch])
        for index, variant in enumerate(iterate_symmetries(pixels)):
            started_at = time.perf_counter()
            sums[start : start + len(batch)] += graph.predict(variant).probabilities
            durations[index] += time.perf_counter() - started_at
    averaged = replace(scored_set, probabilities=sums / 8)
    cost = float(durations.sum() / durations[0])
    results = (_compare(task, scored_set, averaged, manifest, cost) for task in Task)
    return tuple(result for result in results if result is not None)


def iterate_symmetries(pixels: Pixels) -> Iterator[Pixels]:
    """Yield images [n, size, size, 3] turned and flipped in all eight ways, the unchanged ones first."""
    for flipped in (pixels, pixels[:, :, ::-1]):
        for turns in range(4):
            yield np.ascontiguousarray(np.rot90(flipped, turns, axes=(1, 2)))


def _compare(
    task: Task, scored_set: ScoredSet, averaged: ScoredSet, manifest: Manifest, cost: float
) -> SymmetryResult | None:
    positive = is_positive(task, scored_set.images)
    if positive.all() or not positive.any():
        return None
    one, eight = (score(task, either.probabilities, manifest.labels) for either in (scored_set, averaged))

    def area(scores: Floats, weights: DrawWeights) -> Floats:
        return np.asarray(area_under_curve(RocCurve.from_scores(scores, positive, weights)), np.float64)

    gain = metric_with_interval(
        lambda weights: area(eight, weights) - area(one, weights), draw_weights(positive, scored_set.groups)
    )
    if gain is None:
        return None
    return SymmetryResult(
        title=scored_set.title,
        task=task,
        one=auc_metric(one, positive, scored_set.groups),
        eight=auc_metric(eight, positive, scored_set.groups),
        gain=gain,
        cost=cost,
    )
