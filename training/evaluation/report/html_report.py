"""`report.html`: the report as one self-contained page."""

from collections.abc import Sequence
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from shared.model.artefact import Manifest
from training.evaluation.report import formatting, plots
from training.evaluation.report.mistakes import find_worst_mistakes
from training.evaluation.result import Evaluation, SetResult, TaskResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.served_answers import ANSWERS

REPORT_NAME: Final = "report.html"
_PLOTS: Final = (plots.plot_roc, plots.plot_precision_recall, plots.plot_reliability)


def render_report(evaluation: Evaluation, sets: Sequence[ScoredSet], manifest: Manifest) -> str:
    """Render the page. It shows images of `sets`."""
    return (
        make_environment()
        .get_template("page.html.j2")
        .render(
            evaluation=evaluation,
            manifest=manifest,
            plots={
                result.name: [Markup(plot(result)) for plot in _PLOTS]  # noqa: S704 - SVG drawn by this package
                for result in evaluation.sets
            },
            mistakes={scored_set.name: find_worst_mistakes(scored_set, manifest) for scored_set in sets},
        )
    )


def make_environment() -> Environment:
    """The templates, with filters for metrics. HTML is escaped, Markdown is not."""
    environment = Environment(
        loader=PackageLoader("training.evaluation.report"),
        autoescape=select_autoescape(("html.j2", "css"), disabled_extensions=("md.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "metric": formatting.format_metric,
        "interval": formatting.format_interval,
        "percent": formatting.format_percent,
        "share": formatting.format_share,
        "points": formatting.format_points,
        "per_hundred": formatting.format_per_hundred,
        "complement": formatting.complement,
    }
    environment.globals |= {
        "answer_names": ANSWERS,
        "task_names": plots.TASK_NAMES,
        "find_counted_task": find_counted_task,
    }
    return environment


def find_counted_task(result: SetResult) -> TaskResult | None:
    """The result for the probability that the service reports, if the set has one."""
    return next((task for task in result.tasks if task.task == "counted"), None)
