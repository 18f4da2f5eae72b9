"""Measures subgroups of a set, to find whom the model serves less well."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from shared.contract.decision import Band
from shared.model.artefact import Manifest
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import LABELS
from training.evaluation.measures.task_metrics import find_bands, measure_curve
from training.evaluation.result import Figures, SubgroupResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.served_answers import decide_set
from training.evaluation.tasks import Task, is_positive, score
from training.exporting.reported_metrics import MIN_PEN_SHARE
from training.metrics.bootstrap import draw_weights, metrics_with_intervals
from training.metrics.operating_points import BinaryPredictions

#: Number of positive images, and of others, that a figure needs: with ten, the interval of an AUC is up to 0.3 wide.
MIN_IMAGES: Final = 10
#: Figures of the curve that the table of subgroups shows.
_CURVE_FIGURES: Final = ("auc", "specificity_at_95_sensitivity")
_AGES: Final = (("under 40", 0, 40), ("40 to 59", 40, 60), ("60 to 74", 60, 75), ("75 and over", 75, 200))
_SKIN_TYPES: Final = {1: "I-II", 2: "I-II", 3: "III-IV", 4: "III-IV", 5: "V-VI", 6: "V-VI"}


def measure_subgroups(scored_set: ScoredSet, manifest: Manifest) -> tuple[SubgroupResult, ...]:
    """Measure every subgroup that the data names. A subgroup with too few images gets no figures."""
    by_property = (result for by in _GROUPINGS for result in _measure_by(by, scored_set, manifest))
    return (*by_property, *_measure_by_diagnosis(scored_set, manifest))


def _measure_by(by: str, scored_set: ScoredSet, manifest: Manifest) -> Iterator[SubgroupResult]:
    """Yield the subgroups by one property; none if the data has the property of no image."""
    values = np.array([_GROUPINGS[by](image) for image in scored_set.images])
    if any(values):
        for value in _sort_values(by, set(values.tolist())):
            yield _measure_subgroup(by, value or "not told", scored_set.select(values == value), manifest)


def _measure_by_diagnosis(scored_set: ScoredSet, manifest: Manifest) -> Iterator[SubgroupResult]:
    """Yield each label against the other side: a label that counts against all that do not, and the reverse."""
    labels = np.array([image.label for image in scored_set.images])
    is_counted = is_positive(Task.COUNTED, scored_set.images)
    for index, label in enumerate(LABELS):
        if (labels == index).any():
            subgroup = scored_set.select((labels == index) | (is_counted != label.counts))
            result = _measure_subgroup("diagnosis", label.title, subgroup, manifest, Task.COUNTED)
            yield result.model_copy(update={"pictures": int((labels == index).sum())})


def _measure_subgroup(by: str, value: str, subgroup: ScoredSet, manifest: Manifest, *tasks: Task) -> SubgroupResult:
    """Measure a subgroup on `tasks`, or on all of them if there are none."""
    figures_by_task = {task.value: _measure_task(task, subgroup, manifest) for task in tasks or tuple(Task)}
    return SubgroupResult(
        by=by,
        value=value,
        pictures=len(subgroup.images),
        counted=int(is_positive(Task.COUNTED, subgroup.images).sum()),
        tasks={task: figures for task, figures in figures_by_task.items() if figures},
    )


def _measure_task(task: Task, subgroup: ScoredSet, manifest: Manifest) -> Figures:
    positive, scores = is_positive(task, subgroup.images), score(task, subgroup.probabilities, manifest.labels)
    if min(positive.sum(), (~positive).sum()) < MIN_IMAGES:
        return {}
    weights = draw_weights(positive, subgroup.groups)
    curve = measure_curve(scores, positive, weights)
    figures = {name: figure for name, figure in curve.items() if name in _CURVE_FIGURES}
    bands = find_bands(subgroup, manifest)
    if bands and task is Task.COUNTED:
        not_low = BinaryPredictions(decide_set(subgroup, manifest) != Band.LOW.value, positive)
        figures |= metrics_with_intervals(
            lambda chunk: {"sensitivity": not_low.sensitivity(chunk), "specificity": not_low.specificity(chunk)},
            weights,
        )
    return figures


def _age_range(image: LabelledImage) -> str:
    if image.age is None:
        return ""
    return next((name for name, start, stop in _AGES if start <= image.age < stop), "")


def _pen_mark(image: LabelledImage) -> str:
    if image.pen is None:
        return ""
    return "marked by pen" if image.pen > MIN_PEN_SHARE else "not marked"


#: Properties that divide a set into subgroups: the value of an image, "" if the data does not name it.
_GROUPINGS: Final[dict[str, Callable[[LabelledImage], str]]] = {
    "source": lambda image: image.source,
    "age": _age_range,
    "sex": lambda image: image.sex if image.sex != "unknown" else "",
    "skin type": lambda image: _SKIN_TYPES.get(image.skin_type or 0, ""),
    "pen": _pen_mark,
}


def _sort_values(by: str, values: set[str]) -> list[str]:
    """Sort ages from young to old and all others by name; the unknown value comes last."""
    age_keys = {name: str(index) for index, (name, *_) in enumerate(_AGES)}
    return sorted(values, key=lambda value: (not value, age_keys.get(value, value) if by == "age" else value))
