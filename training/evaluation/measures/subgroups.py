"""The same questions, asked of parts of a set: whom the model serves less well."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from shared.model.artefact import Manifest
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import LABELS
from training.evaluation.measures.task_metrics import bands_of, curve_figures
from training.evaluation.result import Figures, Subgroup
from training.evaluation.scored_sets import Judged
from training.evaluation.tasks import Task, score, truth
from training.metrics.bootstrap import Flags, draw_weights, metrics_with_intervals
from training.metrics.operating_points import BinaryPredictions

#: Fewest positive pictures, and others, on which a figure rests: with ten, an AUC's interval is up to 0.3 wide.
FEWEST: Final = 10
#: From this share of the picture on it counts as marked by pen.
PEN: Final = 0.005
#: Figures of the curve that are worth their place in a table of parts.
_KEPT: Final = ("auc", "specificity_at_95_sensitivity")
_AGES: Final = (("under 40", 0, 40), ("40 to 59", 40, 60), ("60 to 74", 60, 75), ("75 and over", 75, 200))
_SKIN: Final = {1: "I-II", 2: "I-II", 3: "III-IV", 4: "III-IV", 5: "V-VI", 6: "V-VI"}


def subgroups(judged: Judged, manifest: Manifest) -> tuple[Subgroup, ...]:
    """Every part that the pictures tell of, with its figures where it has enough pictures for them."""
    return tuple(found for by in _PARTS for found in _parts(by, judged, manifest)) + tuple(_diagnoses(judged, manifest))


def _parts(by: str, judged: Judged, manifest: Manifest) -> Iterator[Subgroup]:
    """The pictures by what the data tells of them; none where it tells it of no picture."""
    values = np.array([_PARTS[by](image) for image in judged.pictures])
    if any(values):
        for value in _ordered(by, set(values.tolist())):
            yield _part(by, value or "not told", judged, values == value, manifest)


def _diagnoses(judged: Judged, manifest: Manifest) -> Iterator[Subgroup]:
    """Each label against all of the other answer: malignant ones against all benign pictures, and so on."""
    labels, counts = np.array([image.label for image in judged.pictures]), truth(Task.COUNTED, judged.pictures)
    for index, label in enumerate(LABELS):
        if (labels == index).any():
            rows = (labels == index) | (counts != label.counts)
            found = _part("diagnosis", label.title, judged, rows, manifest, Task.COUNTED)
            yield found.model_copy(update={"pictures": int((labels == index).sum())})


def _part(by: str, value: str, judged: Judged, rows: Flags, manifest: Manifest, *tasks: Task) -> Subgroup:
    part = judged.only(rows)
    found = {task.value: _figures(task, part, manifest) for task in tasks or tuple(Task)}
    return Subgroup(
        by=by,
        value=value,
        pictures=len(part.pictures),
        counted=int(truth(Task.COUNTED, part.pictures).sum()),
        tasks={task: figures for task, figures in found.items() if figures},
    )


def _figures(task: Task, part: Judged, manifest: Manifest) -> Figures:
    positive, scores = truth(task, part.pictures), score(task, part.probabilities, manifest.labels)
    if min(positive.sum(), (~positive).sum()) < FEWEST:
        return {}
    weights = draw_weights(positive, part.groups)
    figures = {name: value for name, value in curve_figures(scores, positive, weights).items() if name in _KEPT}
    bands = bands_of(part, manifest)
    if bands and task is Task.COUNTED:
        calls = BinaryPredictions(scores >= bands.low_below, positive)
        figures |= metrics_with_intervals(
            lambda some: {"sensitivity": calls.sensitivity(some), "specificity": calls.specificity(some)}, weights
        )
    return figures


def _age(image: LabelledImage) -> str:
    if image.age is None:
        return ""
    return next((name for name, start, stop in _AGES if start <= image.age < stop), "")


def _pen(image: LabelledImage) -> str:
    if image.pen is None:
        return ""
    return "marked by pen" if image.pen > PEN else "not marked"


_PARTS: Final[dict[str, Callable[[LabelledImage], str]]] = {
    "source": lambda image: image.source,
    "age": _age,
    "sex": lambda image: image.sex if image.sex != "unknown" else "",
    "skin type": lambda image: _SKIN.get(image.skin_type or 0, ""),
    "pen": _pen,
}


def _ordered(by: str, values: set[str]) -> list[str]:
    """Ages from young to old, the rest by name; what is not told comes last."""
    ages = {name: str(place) for place, (name, *_) in enumerate(_AGES)}
    return sorted(values, key=lambda value: (not value, ages.get(value, value) if by == "age" else value))
