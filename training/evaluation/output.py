"""Writes the files of an evaluation and prints its summary."""

from collections.abc import Callable, Sequence
from pathlib import Path

from shared.model.artefact import read_artefact
from training.evaluation.report.card import CARD_NAME, render_card
from training.evaluation.report.formatting import format_metric
from training.evaluation.report.html_report import REPORT_NAME, render_report
from training.evaluation.result import EVALUATION_NAME, AgreementResult, Evaluation, read_evaluation
from training.evaluation.scored_sets import ScoredSet


def write_output(evaluation: Evaluation, sets: Sequence[ScoredSet], artefact: Path, out: Path, *, card: bool) -> None:
    """Write `report.html` and `evaluation.json`.

    With `card`, also write `CARD.md` and `evaluation.json` into the folder of the artefact.
    """
    manifest = read_artefact(artefact)
    out.mkdir(parents=True, exist_ok=True)
    # The report shows pictures of the data, so it must not get into a repository, wherever its folder is.
    (out / ".gitignore").write_text("*\n", encoding="utf-8")
    evaluation_json = evaluation.model_dump_json(indent=1) + "\n"
    _replace(out / EVALUATION_NAME, evaluation_json)
    _replace(out / REPORT_NAME, render_report(evaluation, sets, manifest))
    if card:
        _replace(artefact / EVALUATION_NAME, evaluation_json)
        _replace(artefact / CARD_NAME, render_card(evaluation, manifest))


def write_agreement(agreement: tuple[AgreementResult, ...], artefact: Path) -> None:
    """Put a comparison of the runtimes into the `evaluation.json` of an artefact, and render `CARD.md` again.

    Raises:
        TrainingError: The artefact has no evaluation, or that of another model.
    """
    evaluation = read_evaluation(artefact).model_copy(update={"agreement": agreement})
    card = render_card(evaluation, read_artefact(artefact))
    _replace(artefact / EVALUATION_NAME, evaluation.model_dump_json(indent=1) + "\n")
    _replace(artefact / CARD_NAME, card)


def print_summary(evaluation: Evaluation, out: Path, write: Callable[[str], None]) -> None:
    """Write the AUCs, what was not measured, and the path of the report, a line each."""
    for result in evaluation.sets:
        for task in result.tasks:
            auc = format_metric(task.figures.get("auc"))
            write(f"{result.title}, {task.task}: AUC {auc}, {task.pictures} pictures")
    for sentence in evaluation.unmeasured:
        write(sentence)
    write(f"the report is in {out / REPORT_NAME}")


def _replace(path: Path, text: str) -> None:
    """Write a file so that readers find either the old or the new one whole."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
