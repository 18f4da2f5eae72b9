"""Test-time averaging over the eight symmetries of a square: what it gives, and what it costs.

A lesion has no up and no left, so all eight are as likely as the picture itself (Perez et al., arXiv 1809.01442,
average so too). The service looks once.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

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

_BATCH = 32


def measure_symmetries(
    scored_set: ScoredSet, graph: GraphPredictor, manifest: Manifest, report: Callable[[str], None]
) -> tuple[SymmetryResult, ...]:
    """For a set that the artefact's graph has not learned from: each question's AUC with one look and with eight."""
    report(f"eight symmetries: {len(scored_set.images)} pictures, {scored_set.title}")
    sums: npt.NDArray[np.float64] = np.zeros(scored_set.probabilities.shape)
    times = np.zeros(8)
    for start in range(0, len(scored_set.images), _BATCH):
        some = scored_set.images[start : start + _BATCH]
        pixels = np.stack([decode_file(image.path, manifest.picture) for image in some])
        for number, turned in enumerate(iterate_symmetries(pixels)):
            began = time.perf_counter()
            sums[start : start + len(some)] += graph.predict(turned).probabilities
            times[number] += time.perf_counter() - began
    averaged = replace(scored_set, probabilities=sums / 8)
    cost = float(times.sum() / times[0])
    found = (_compare(task, scored_set, averaged, manifest, cost) for task in Task)
    return tuple(one for one in found if one is not None)


def iterate_symmetries(pixels: Pixels) -> Iterator[Pixels]:
    """Turn and flip pictures [n, size, size, 3] in all eight ways, the first of them unchanged."""
    for flipped in (pixels, pixels[:, :, ::-1]):
        for turns in range(4):
            yield np.ascontiguousarray(np.rot90(flipped, turns, axes=(1, 2)))


def _compare(
    task: Task, scored_set: ScoredSet, averaged: ScoredSet, manifest: Manifest, cost: float
) -> SymmetryResult | None:
    positive = is_positive(task, scored_set.images)
    if positive.all() or not positive.any():
        return None
    one, eight = (score(task, each.probabilities, manifest.labels) for each in (scored_set, averaged))

    def gain(weights: DrawWeights) -> Floats:
        areas = [
            np.asarray(area_under_curve(RocCurve.from_scores(scores, positive, weights)), np.float64)
            for scores in (eight, one)
        ]
        return areas[0] - areas[1]

    found = metric_with_interval(gain, draw_weights(positive, scored_set.groups))
    if found is None:
        return None
    alone, together = (auc_metric(scores, positive, scored_set.groups) for scores in (one, eight))
    return SymmetryResult(title=scored_set.title, task=task, one=alone, eight=together, gain=found, cost=cost)
