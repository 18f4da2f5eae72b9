"""Curves and diagrams of the report, as SVG."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shared.model.decision_rules import wilson_interval
from training.evaluation.result import SetResult, TaskResult
from training.evaluation.tasks import Task

#: Distinguishable with colour blindness and in print (Okabe and Ito 2008).
COLOURS: Final = {Task.MELANOMA: "#0072b2", Task.MALIGNANT: "#d55e00", Task.COUNTED: "#000000"}
TASK_NAMES: Final = {
    Task.MELANOMA: "melanoma",
    Task.MALIGNANT: "malignant",
    Task.COUNTED: "malignant or pre-malignant",
}
_STYLE: Final = Path(__file__).parent / "templates" / "plots.mplstyle"


def plot_roc(result: SetResult) -> str:
    """Plot the ROC curves of all tasks."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color="#b0b0b0", linewidth=0.8, linestyle="--")
        for task in result.tasks:
            _plot_curve(axes, task, task.roc, f"{TASK_NAMES[Task(task.task)]}: {task.figures['auc'].value:.3f}")
        for task in result.tasks:
            for point in task.operating:
                if point.name != "above 0.5":
                    x, y = 1 - point.figures["specificity"].value, point.figures["sensitivity"].value
                    axes.plot(x, y, "o", color=COLOURS[Task(task.task)], markersize=5)
                    axes.annotate(point.name, (x, y), (7, -12), textcoords="offset points")
        axes.legend(loc="lower right", title="area under the curve")
        axes.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))

    return _render_svg(draw, "ROC curve")


def plot_precision_recall(result: SetResult) -> str:
    """Plot the precision-recall curves of all tasks."""

    def draw(axes: Axes) -> None:
        for task in result.tasks:
            colour = COLOURS[Task(task.task)]
            axes.axhline(task.positive / task.pictures, color=colour, linewidth=0.7, linestyle=":")
            name = f"{TASK_NAMES[Task(task.task)]}: {task.figures['average_precision'].value:.3f}"
            _plot_curve(axes, task, task.precision_recall, name)
        axes.legend(loc="lower left", title="average precision; dotted: by chance")
        axes.set(xlabel="sensitivity", ylabel="precision", xlim=(-0.01, 1.01), ylim=(-0.01, 1.03))

    return _render_svg(draw, "Precision-recall curve")


def plot_reliability(result: SetResult) -> str:
    """Plot the share of lesions that were positive against the probability that the service reports."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color="#b0b0b0", linewidth=0.8, linestyle="--")
        for task in result.tasks:
            if task.task == Task.COUNTED:
                means = np.array([diagram_bin.mean for diagram_bin in task.diagram])
                shares = np.array([diagram_bin.positive / diagram_bin.pictures for diagram_bin in task.diagram])
                intervals = [
                    wilson_interval(diagram_bin.positive, diagram_bin.pictures) for diagram_bin in task.diagram
                ]
                errors = np.abs(np.array(intervals).T - shares)
                axes.errorbar(means, shares, errors, fmt="o", color="#000000", markersize=4, linewidth=1, capsize=2)
        axes.set(xlabel="reported probability", ylabel="share that was malignant or pre-malignant")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))

    return _render_svg(draw, "Reliability diagram")


def _plot_curve(axes: Axes, task: TaskResult, points: Sequence[tuple[float, float]], name: str) -> None:
    x, y = np.array(points).T
    axes.plot(x, y, color=COLOURS[Task(task.task)], linewidth=1.4, label=name)


def _render_svg(draw: Callable[[Axes], None], title: str) -> str:
    with mpl.rc_context(fname=_STYLE):
        figure = Figure(figsize=(4.4, 4.0), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title, loc="left")
        draw(axes)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
