"""`melanoma-evaluate` on the shipped artefact and synthetic data."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from sklearn.metrics import roc_auc_score

from shared.model.artefact import read_artefact
from training.data.records.labelled_image import Split
from training.data.sources import read_labelled_images
from training.evaluation.cli import main
from training.evaluation.report.card import render_card
from training.evaluation.result import Evaluation, read_evaluation
from training.exporting.out_of_fold import FILE_NAME, OutOfFoldTable, write_out_of_fold
from training.exporting.predictor import GraphPredictor

pytestmark = pytest.mark.slow


def run(artefact: Path, data: Path, out: Path, *options: str) -> Result:
    quick = ("--stress", "0", "--pointing", "0")
    return CliRunner().invoke(main, [str(artefact), "--data", str(data), "--out", str(out), *quick, *options])


def evaluate(artefact: Path, data: Path, out: Path, *options: str) -> Evaluation:
    result = run(artefact, data, out, *options)
    assert result.exit_code == 0, result.output
    return read_evaluation(out)


def add_out_of_fold_predictions(artefact: Path, data: Path) -> None:
    """Write a file like that of the export, in which malignant lesions get the higher probabilities."""
    manifest = read_artefact(artefact)
    images = [image for image in read_labelled_images(data) if image.fold is not None]
    names = tuple(label.name for label in manifest.labels)
    probabilities = np.full((len(images), len(names)), 0.01)
    for row, image in enumerate(images):
        probabilities[row, names.index("nv" if image.diagnosis in ("NEV", "SEK") else "mel")] = 0.9
    table = OutOfFoldTable(
        names=tuple((image.source, image.path.stem) for image in images),
        folds=np.array([image.fold for image in images]),
        heads=("phone",) * len(images),
        distance=np.zeros(len(images)),
        labels=names,
        kind_names=manifest.kinds.names,
        probabilities=probabilities,
        kinds=np.tile([0.1, 0.8, 0.1], (len(images), 1)),
    )
    write_out_of_fold(artefact / FILE_NAME, table)


def test_held_out_images_are_measured_with_the_graph_and_the_test_set_is_not_used(
    artefact: Path, data: Path, tmp_path: Path
) -> None:
    evaluation = evaluate(artefact, data, tmp_path / "out")
    assert [result.name for result in evaluation.sets] == ["dermatoscope_held_out"]
    assert not evaluation.test
    assert "Phone: trained on, not measured." in evaluation.unmeasured[0]
    manifest = read_artefact(artefact)
    images = [image for image in read_labelled_images(data) if image.split is Split.VALID]
    graph = GraphPredictor(artefact / manifest.graph, manifest.tensors)
    predicted = graph.predict_files([image.path for image in images], manifest.picture)
    is_melanoma = [image.label == 0 for image in images]
    expected = roc_auc_score(is_melanoma, predicted.probabilities[:, 0])
    task = next(task for task in evaluation.sets[0].tasks if task.task == "melanoma")
    assert task.figures["auc"].value == pytest.approx(expected)
    assert task.positive == sum(is_melanoma)
    titles = {share.title for share in evaluation.kinds.shares} if evaluation.kinds else set()
    assert {"Plain skin", "Hands", "Other things"} < titles


def test_test_set_is_measured_if_asked_for(artefact: Path, data: Path, tmp_path: Path) -> None:
    evaluation = evaluate(artefact, data, tmp_path / "out", "--test")
    assert evaluation.test
    (test_set,) = (result for result in evaluation.sets if result.name == "dermatoscope_test")
    assert test_set.pictures == 8


def test_images_with_folds_are_measured_out_of_fold(artefact: Path, data: Path, tmp_path: Path) -> None:
    add_out_of_fold_predictions(artefact, data)
    evaluation = evaluate(artefact, data, tmp_path / "out")
    (phone,) = (result for result in evaluation.sets if result.population == "phone")
    assert phone.name == "phone_out_of_fold"
    assert not evaluation.unmeasured
    counted = next(task for task in phone.tasks if task.task == "counted")
    assert counted.figures["auc"].value == 1
    malignant = next(task for task in phone.tasks if task.task == "malignant")
    # Actinic keratosis scores as high and is not malignant: BCC, SCC and MEL against it, NEV and SEK.
    assert malignant.figures["auc"].value == pytest.approx((3 * 2 + 3 * 0.5) / 9)


def test_images_that_the_predictions_do_not_name_are_reported_as_unmeasured(
    artefact: Path, data: Path, tmp_path: Path
) -> None:
    """One of six rows is of another picture, and one has another fold than the data, as folds may be drawn anew."""
    add_out_of_fold_predictions(artefact, data)
    path = artefact / FILE_NAME
    header, first, second, *rest = path.read_text(encoding="utf-8").splitlines()
    source, _, *values = first.split(",")
    other_fold = second.split(",")
    other_fold[2] = str(1 - int(other_fold[2]))
    path.write_text("\n".join([header, ",".join([source, "other", *values]), ",".join(other_fold), *rest]) + "\n")
    evaluation = evaluate(artefact, data, tmp_path / "out")
    (phone,) = (result for result in evaluation.sets if result.population == "phone")
    assert phone.pictures == 5
    assert "1 of 6 pictures with folds" in evaluation.unmeasured[0]
    path.write_text("\n".join([header.replace("mel", "naevus"), second, *rest]) + "\n", encoding="utf-8")
    result = run(artefact, data, tmp_path / "out")
    assert result.exit_code == 1
    assert "has other labels or kinds" in " ".join(result.output.split())


def test_report_is_self_contained_and_the_card_has_the_measured_figures(
    artefact: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    evaluation = evaluate(artefact, data, out, "--stress", "2", "--pointing", "12", "--symmetries", "--card")
    page = (out / "report.html").read_text(encoding="utf-8")
    # The page loads nothing. Namespaces of SVG are no addresses to load from.
    assert not re.findall(r"""(?:src|href)="(?!#|data:)""", page)
    assert page.count("<svg") == 3 * len(evaluation.sets)
    assert "data:image/jpeg;base64," in page
    assert (out / ".gitignore").read_text(encoding="utf-8") == "*\n"
    auc = next(task for task in evaluation.sets[0].tasks if task.task == "counted").figures["auc"]
    text = f"{auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})"
    card = (artefact / "CARD.md").read_text(encoding="utf-8")
    assert text in page
    assert text in card
    assert read_evaluation(artefact) == evaluation
    assert card == render_card(evaluation, read_artefact(artefact))
    changes = {result.change for result in evaluation.stress}
    assert changes > {"rotated_90", "flipped", "jpeg_60", "darker_10", "pen", "hair"}
    assert {result.population for result in evaluation.stress} == {"dermatoscope", "phone"}
    assert {result.task for result in evaluation.symmetries} == {"melanoma", "malignant", "counted"}
    assert json.loads((out / "evaluation.json").read_text(encoding="utf-8"))["artefact"] == evaluation.artefact


def test_each_user_error_has_one_sentence(artefact: Path, data: Path, tmp_path: Path) -> None:
    result_by_error = {
        "no artefact in": run(tmp_path / "absent", data, tmp_path / "out"),
        "There is no folder": run(artefact, tmp_path / "absent", tmp_path / "out"),
    }
    for message, result in result_by_error.items():
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
        assert message in result.output
    assert not (tmp_path / "out").exists()
