"""`melanoma-evaluate` on the shipped artefact and made pictures: someone asks how good a model is."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from sklearn.metrics import roc_auc_score

from shared.model.artefact import hash_file, read_artefact
from training.data.records.labelled_image import Split
from training.data.sources import read_labelled_images
from training.evaluation.cli import main
from training.evaluation.report.card import render_card
from training.evaluation.result import Evaluation, read_evaluation
from training.exporting.out_of_fold import FILE_NAME, OutOfFoldTable, write_out_of_fold
from training.exporting.predictor import GraphPredictor


def run(artefact: Path, data: Path, out: Path, *more: str) -> Result:
    quick = ("--stress", "0", "--pointing", "0")
    return CliRunner().invoke(main, [str(artefact), "--data", str(data), "--out", str(out), *quick, *more])


def evaluated(artefact: Path, data: Path, out: Path, *more: str) -> Evaluation:
    result = run(artefact, data, out, *more)
    assert result.exit_code == 0, result.output
    return read_evaluation(out)


def judge_out_of_fold(artefact: Path, data: Path) -> None:
    """A file as exporting writes it, in which malignant lesions get the higher probabilities."""
    manifest = read_artefact(artefact)
    images = [image for image in read_labelled_images(data) if image.fold is not None]
    names = tuple(label.name for label in manifest.labels)
    probabilities = np.full((len(images), len(names)), 0.01)
    for row, image in enumerate(images):
        probabilities[row, names.index("nv" if image.diagnosis in ("NEV", "SEK") else "mel")] = 0.9
    kinds = np.tile([0.1, 0.8, 0.1], (len(images), 1))
    folds = np.array([image.fold for image in images])
    shown = tuple(hash_file(image.path).sha256 for image in images)
    write_out_of_fold(
        artefact / FILE_NAME, OutOfFoldTable(shown, folds, names, manifest.kinds.names, probabilities, kinds)
    )


def test_held_out_pictures_are_measured_with_the_graph_and_the_test_set_is_left_alone(
    artefact: Path, data: Path, tmp_path: Path
) -> None:
    found = evaluated(artefact, data, tmp_path / "out")
    assert [one.name for one in found.sets] == ["dermatoscope_held_out"]
    assert not found.test
    assert "Phone: trained on, not measured." in found.unmeasured[0]
    manifest = read_artefact(artefact)
    images = [one for one in read_labelled_images(data) if one.split is Split.VALID]
    graph = GraphPredictor(artefact / manifest.graph, manifest.tensors)
    predicted = graph.predict_files([one.path for one in images], manifest.picture)
    melanoma = [one.label == 0 for one in images]
    expected = roc_auc_score(melanoma, predicted.probabilities[:, 0])
    task = next(task for task in found.sets[0].tasks if task.task == "melanoma")
    assert task.figures["auc"].value == pytest.approx(expected)
    assert task.positive == sum(melanoma)
    shares = {one.title: one for one in found.kinds.shares} if found.kinds else {}
    assert {"Plain skin", "Hands", "Other things"} < shares.keys()


def test_the_test_set_is_looked_at_when_asked_for(artefact: Path, data: Path, tmp_path: Path) -> None:
    found = evaluated(artefact, data, tmp_path / "out", "--test")
    assert found.test
    (tested,) = (one for one in found.sets if one.name == "dermatoscope_test")
    assert tested.pictures == 8


def test_pictures_with_folds_are_judged_out_of_fold(artefact: Path, data: Path, tmp_path: Path) -> None:
    judge_out_of_fold(artefact, data)
    found = evaluated(artefact, data, tmp_path / "out")
    (phone,) = (one for one in found.sets if one.population == "phone")
    assert phone.name == "phone_out_of_fold"
    assert not found.unmeasured
    counted = next(task for task in phone.tasks if task.task == "counted")
    assert counted.figures["auc"].value == 1
    malignant = next(task for task in phone.tasks if task.task == "malignant")
    # Actinic keratosis scores as high and is not malignant: BCC, SCC and MEL against it, NEV and SEK.
    assert malignant.figures["auc"].value == pytest.approx((3 * 2 + 3 * 0.5) / 9)


def test_out_of_fold_predictions_of_other_data_are_refused(artefact: Path, data: Path, tmp_path: Path) -> None:
    judge_out_of_fold(artefact, data)
    path = artefact / FILE_NAME
    whole = path.read_text(encoding="utf-8")
    header, first, *rest = whole.splitlines()
    digest_of, fold, *shares = first.split(",")
    wrong = {
        "says nothing of": [header, *rest],
        "in another fold": [header, ",".join([digest_of, str(int(fold) + 1), *shares]), *rest],
        "has other labels or kinds": [header.replace("mel", "naevus"), first, *rest],
    }
    for words, lines in wrong.items():
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        result = run(artefact, data, tmp_path / "out")
        assert result.exit_code == 1
        assert words in " ".join(result.output.split())
        assert "Traceback" not in result.output


def test_the_report_needs_nothing_but_itself_and_the_card_says_what_was_measured(
    artefact: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = evaluated(artefact, data, out, "--stress", "2", "--pointing", "12", "--symmetries", "--card")
    page = (out / "report.html").read_text(encoding="utf-8")
    # Namespaces of SVG aside, nothing is fetched from anywhere.
    assert not re.findall(r"""(?:src|href)="(?!#|data:)""", page)
    assert page.count("<svg") == 3 * len(found.sets)
    assert "data:image/jpeg;base64," in page
    assert (out / ".gitignore").read_text(encoding="utf-8") == "*\n"
    told = next(task for task in found.sets[0].tasks if task.task == "counted").figures["auc"]
    words = f"{told.value:.3f} ({told.low:.3f} to {told.high:.3f})"
    text = (artefact / "CARD.md").read_text(encoding="utf-8")
    assert words in page
    assert words in text
    assert read_evaluation(artefact) == found
    assert text == render_card(found, read_artefact(artefact))
    assert {one.change for one in found.stress} > {"rotated_90", "flipped", "jpeg_60", "darker_10", "pen", "hair"}
    assert {one.population for one in found.stress} == {"dermatoscope", "phone"}
    assert {one.task for one in found.symmetries} == {"melanoma", "malignant", "counted"}
    assert json.loads((out / "evaluation.json").read_text(encoding="utf-8"))["artefact"] == found.artefact


def test_each_mistake_has_one_sentence(artefact: Path, data: Path, tmp_path: Path) -> None:
    mistakes = {
        "no artefact in": run(tmp_path / "absent", data, tmp_path / "out"),
        "There is no folder": run(artefact, tmp_path / "absent", tmp_path / "out"),
    }
    for words, result in mistakes.items():
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
        assert words in result.output
    assert not (tmp_path / "out").exists()
