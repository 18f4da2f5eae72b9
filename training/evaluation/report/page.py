"""`report.html`: one page that needs nothing but itself."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from shared.model.artefact import Manifest
from training.evaluation.report import numbers, plots
from training.evaluation.report.mistakes import worst
from training.evaluation.result import Evaluation, SetResult, TaskResult
from training.evaluation.scored_sets import Judged
from training.evaluation.served_answers import ANSWERS

FILE_NAME: Final = "report.html"


def write_report(directory: Path, found: Evaluation, sets: Sequence[Judged], manifest: Manifest) -> None:
    """Write the page into `directory`; pictures of `sets` are shown in it. Raises `OSError`."""
    page = environment().get_template("page.html.j2")
    text = page.render(
        found=found,
        manifest=manifest,
        plots={one.name: [Markup(draw(one)) for draw in _PLOTS] for one in found.sets},  # noqa: S704 - drawn here
        mistakes={one.name: worst(one, manifest) for one in sets},
    )
    temporary = directory / f".{FILE_NAME}.tmp"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(directory / FILE_NAME)


def environment() -> Environment:
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
        "figure": numbers.figure,
        "interval": numbers.interval,
        "percent": numbers.percent,
        "share": numbers.share,
        "in_hundred": numbers.in_hundred,
        "rest": numbers.rest,
    }
    found.globals |= {"answer_names": ANSWERS, "task_names": plots.NAMES, "counted_task": counted_task}
    return found


def counted_task(one: SetResult) -> TaskResult | None:
    """What was found about the probability that a person is told."""
    return next((task for task in one.tasks if task.task == "counted"), None)


_PLOTS: Final = (plots.roc_plot, plots.precision_recall_plot, plots.reliability_plot)
