"""Measures the labels: each against the rest, and all together."""

import numpy as np

from shared.model.artefact import Manifest
from training.data.records.labels import LABELS
from training.evaluation.measures.subgroups import MIN_IMAGES
from training.evaluation.result import Figures
from training.evaluation.scored_sets import ScoredSet
from training.metrics.auc import auc_metric
from training.metrics.bootstrap import draw_weights, metric_with_interval
from training.metrics.operating_points import balanced_multiclass_accuracy


def measure_labels(scored_set: ScoredSet, manifest: Manifest) -> Figures:
    """Compute `auc_LABEL` for each label with enough images, and `balanced_multiclass_accuracy`.

    The accuracy leaves out images whose label the artefact does not have.
    """
    names = [label.name for label in manifest.labels]
    actual = np.array([LABELS[image.label].name for image in scored_set.images])
    figures: Figures = {}
    for column, name in enumerate(names):
        positive = actual == name
        if min(positive.sum(), (~positive).sum()) >= MIN_IMAGES:
            figures[f"auc_{name}"] = auc_metric(scored_set.probabilities[:, column], positive, scored_set.groups)
    known = scored_set.select(np.isin(actual, names))
    labels = np.array([names.index(name) for name in actual if name in names])
    if len(labels):
        accuracy = metric_with_interval(
            lambda weights: balanced_multiclass_accuracy(known.probabilities, labels, weights),
            draw_weights(np.zeros(len(labels), bool), known.groups),
        )
        figures |= {"balanced_multiclass_accuracy": accuracy} if accuracy else {}
    return figures
