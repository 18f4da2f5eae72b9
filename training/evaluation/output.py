"""Writes the files of an evaluation and prints its summary."""

from collections.abc import Callable, Sequence
from pathlib import Path

from shared.model.artefact import read_artefact
from training.evaluation.report.card import write_card
from training.evaluation.report.formatting import format_metric
from training.evaluation.report.html_report import FILE_NAME, write_report
from training.evaluation.result import Evaluation, write_evaluation
from training.evaluation.scored_sets import ScoredSet


def write_output(evaluation: Evaluation, sets: Sequence[ScoredSet], artefact: Path, out: Path, *, card: bool) -> None:
    """Write `report.html` and `evaluation.json`.

    Args:
        evaluation: Result of the evaluation.
        sets: The sets of images that it measured.
        artefact: Folder of the artefact.
        out: Folder for the report.
        card: Write `CARD.md` and `evaluation.json` into the artefact's folder too.
    """
    manifest = read_artefact(artefact)
    out.mkdir(parents=True, exist_ok=True)
    # The report shows pictures of the data, so it must not get into a repository, wherever its folder is.
    (out / ".gitignore").write_text("*\n", encoding="utf-8")
    write_evaluation(out, evaluation)
    write_report(out, evaluation, sets, manifest)
    if card:
        write_evaluation(artefact, evaluation)
        write_card(artefact, evaluation, manifest)


def print_summary(evaluation: Evaluation, out: Path, write: Callable[[str], None]) -> None:
    """Write the AUCs, what was not measured, and the path of the report, a line each."""
    for result in evaluation.sets:
        for task in result.tasks:
            auc = format_metric(task.figures.get("auc"))
            write(f"{result.title}, {task.task}: AUC {auc}, {task.pictures} pictures")
    for sentence in evaluation.unmeasured:
        write(sentence)
    write(f"the report is in {out / FILE_NAME}")
