"""From an artefact to the files that tell of it."""

from pathlib import Path

from shared.model.artefact import read_artefact
from training.evaluation.evaluate import EvaluationOptions, Progress, evaluate_artefact
from training.evaluation.report.card import write_card
from training.evaluation.report.formatting import format_metric
from training.evaluation.report.html_report import FILE_NAME, write_report
from training.evaluation.result import Evaluation, write_evaluation


def evaluate(
    artefact: Path, data: Path, out: Path, options: EvaluationOptions, *, card: bool, report: Progress
) -> Evaluation:
    """Measure the artefact, and write the report into `out`; with `card`, its card beside it too.

    Raises `TrainingError` and `OSError`.
    """
    found, sets = evaluate_artefact(artefact, data, options, report)
    manifest = read_artefact(artefact)
    out.mkdir(parents=True, exist_ok=True)
    # The report shows pictures of the data: wherever it lies, it must not get into a repository.
    (out / ".gitignore").write_text("*\n", encoding="utf-8")
    write_evaluation(out, found)
    write_report(out, found, sets, manifest)
    if card:
        write_evaluation(artefact, found)
        write_card(artefact, found, manifest)
    for one in found.sets:
        for task in one.tasks:
            report(f"{one.title}, {task.task}: AUC {format_metric(task.figures.get('auc'))}, {task.pictures} pictures")
    for sentence in found.unmeasured:
        report(sentence)
    report(f"{out / FILE_NAME} tells all")
    return found
