"""The same questions, asked of parts of a set: whom the model serves less well."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from shared.model.artefact import Manifest
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import LABELS
from training.evaluation.measures.task_metrics import find_bands, measure_curve
from training.evaluation.result import Figures, SubgroupResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.tasks import Task, is_positive, score
from training.metrics.bootstrap import Flags, draw_weights, metrics_with_intervals
from training.metrics.operating_points import BinaryPredictions

#: Fewest positive pictures, and others, on which a figure rests: with ten, an AUC's interval is up to 0.3 wide.
MIN_IMAGES: Final = 10
#: From this share of the picture on it counts as marked by pen.
MIN_PEN_SHARE: Final = 0.005
#: Figures of the curve that are worth their place in a table of parts.
_CURVE_FIGURES: Final = ("auc", "specificity_at_95_sensitivity")
_AGES: Final = (("under 40", 0, 40), ("40 to 59", 40, 60), ("60 to 74", 60, 75), ("75 and over", 75, 200))
_SKIN_TYPES: Final = {1: "I-II", 2: "I-II", 3: "III-IV", 4: "III-IV", 5: "V-VI", 6: "V-VI"}


def measure_subgroups(scored_set: ScoredSet, manifest: Manifest) -> tuple[SubgroupResult, ...]:
    """Every part that the pictures tell of, with its figures where it has enough pictures for them."""
    return tuple(found for by in _GROUPINGS for found in _measure_by(by, scored_set, manifest)) + tuple(
        _measure_by_diagnosis(scored_set, manifest)
    )


def _measure_by(by: str, scored_set: ScoredSet, manifest: Manifest) -> Iterator[SubgroupResult]:
    """The pictures by what the data tells of them; none where it tells it of no picture."""
    values = np.array([_GROUPINGS[by](image) for image in scored_set.images])
    if any(values):
        for value in _sort_values(by, set(values.tolist())):
            yield _measure_subgroup(by, value or "not told", scored_set, values == value, manifest)


def _measure_by_diagnosis(scored_set: ScoredSet, manifest: Manifest) -> Iterator[SubgroupResult]:
    """Each label against all of the other answer: malignant ones against all benign pictures, and so on."""
    labels, counts = (
        np.array([image.label for image in scored_set.images]),
        is_positive(Task.COUNTED, scored_set.images),
    )
    for index, label in enumerate(LABELS):
        if (labels == index).any():
            rows = (labels == index) | (counts != label.counts)
            found = _measure_subgroup("diagnosis", label.title, scored_set, rows, manifest, Task.COUNTED)
            yield found.model_copy(update={"pictures": int((labels == index).sum())})


def _measure_subgroup(
    by: str, value: str, scored_set: ScoredSet, rows: Flags, manifest: Manifest, *tasks: Task
) -> SubgroupResult:
    part = scored_set.select(rows)
    found = {task.value: _measure_task(task, part, manifest) for task in tasks or tuple(Task)}
    return SubgroupResult(
        by=by,
        value=value,
        pictures=len(part.images),
        counted=int(is_positive(Task.COUNTED, part.images).sum()),
        tasks={task: figures for task, figures in found.items() if figures},
    )


def _measure_task(task: Task, part: ScoredSet, manifest: Manifest) -> Figures:
    positive, scores = is_positive(task, part.images), score(task, part.probabilities, manifest.labels)
    if min(positive.sum(), (~positive).sum()) < MIN_IMAGES:
        return {}
    weights = draw_weights(positive, part.groups)
    figures = {
        name: value for name, value in measure_curve(scores, positive, weights).items() if name in _CURVE_FIGURES
    }
    bands = find_bands(part, manifest)
    if bands and task is Task.COUNTED:
        calls = BinaryPredictions(scores >= bands.low_below, positive)
        figures |= metrics_with_intervals(
            lambda some: {"sensitivity": calls.sensitivity(some), "specificity": calls.specificity(some)}, weights
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


_GROUPINGS: Final[dict[str, Callable[[LabelledImage], str]]] = {
    "source": lambda image: image.source,
    "age": _age_range,
    "sex": lambda image: image.sex if image.sex != "unknown" else "",
    "skin type": lambda image: _SKIN_TYPES.get(image.skin_type or 0, ""),
    "pen": _pen_mark,
}


def _sort_values(by: str, values: set[str]) -> list[str]:
    """Ages from young to old, the rest by name; what is not told comes last."""
    ages = {name: str(place) for place, (name, *_) in enumerate(_AGES)}
    return sorted(values, key=lambda value: (not value, ages.get(value, value) if by == "age" else value))
