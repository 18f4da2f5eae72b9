"""`report.html`: one page that needs nothing but itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from shared.model.artefact import Manifest
from training.evaluation.report import formatting, plots
from training.evaluation.report.mistakes import find_worst_mistakes
from training.evaluation.result import Evaluation, SetResult, TaskResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.served_answers import ANSWERS

FILE_NAME: Final = "report.html"


def write_report(directory: Path, found: Evaluation, sets: Sequence[ScoredSet], manifest: Manifest) -> None:
    """Write the page into `directory`; pictures of `sets` are shown in it. Raises `OSError`."""
    page = make_environment().get_template("page.html.j2")
    text = page.render(
        found=found,
        manifest=manifest,
        plots={one.name: [Markup(draw(one)) for draw in _PLOTS] for one in found.sets},  # noqa: S704 - drawn here
        mistakes={one.name: find_worst_mistakes(one, manifest) for one in sets},
    )
    temporary = directory / f".{FILE_NAME}.tmp"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(directory / FILE_NAME)


def make_environment() -> Environment:
    """Templates with what they need to speak of figures. HTML is escaped, Markdown is not."""
    found = Environment(
        loader=PackageLoader("training.evaluation.report"),
        autoescape=select_autoescape(("html.j2", "css"), disabled_extensions=("md.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {
        "figure": formatting.format_metric,
        "interval": formatting.format_interval,
        "percent": formatting.format_percent,
        "share": formatting.format_share,
        "in_hundred": formatting.format_per_hundred,
        "rest": formatting.complement,
    }
    found.globals |= {"answer_names": ANSWERS, "task_names": plots.NAMES, "counted_task": find_counted_task}
    return found


def find_counted_task(one: SetResult) -> TaskResult | None:
    """What was found about the probability that a person is told."""
    return next((task for task in one.tasks if task.task == "counted"), None)


_PLOTS: Final = (plots.plot_roc, plots.plot_precision_recall, plots.plot_reliability)
