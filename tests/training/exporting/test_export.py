"""`melanoma-export` on runs that were trained on synthetic data, with the real backbone and random weights."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from shared.model.artefact import Manifest, read_artefact
from tests.training.fitting.trained_runs import RUNS_GROUP, TrainedRuns
from tests.training.model.eager import run_eagerly
from training.calibration.temperature_scaling import fit_temperature_scaling
from training.data.image_cache import decode_images
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import LABEL_NAMES
from training.data.sources import read_labelled_images
from training.exporting.calibration_inputs.features import Features
from training.exporting.calibration_inputs.run_models import read_run_model
from training.exporting.cli import main as export_command
from training.exporting.out_of_fold import FILE_NAME, read_out_of_fold
from training.exporting.predictor import GraphPredictor
from training.model.architecture import LITE0
from training.model.frozen_graph_import import import_frozen_graph

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(RUNS_GROUP), pytest.mark.usefixtures("eager")]


@pytest.fixture(scope="module")
def run(runs: TrainedRuns) -> Path:
    """The folder of a run on all images, which contains the runs of both folds."""
    return runs.everything


def _export(run: Path, data: Path, out: Path, *options: str) -> Result:
    arguments = [run, "--data", data, "--out", out, "--name", "made", "--version", "7", *options]
    with run_eagerly():
        return CliRunner().invoke(export_command, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def artefact(run: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the artefact."""
    out = tmp_path_factory.mktemp("artefact")
    result = _export(run, data, out, "--test")
    assert result.exit_code == 0, result.output
    assert "made@7 is in" in result.output
    return out


@pytest.fixture(scope="module")
def manifest(artefact: Path) -> Manifest:
    return read_artefact(artefact)


def test_manifest_is_complete(manifest: Manifest) -> None:
    assert [label.name for label in manifest.labels] == list(LABEL_NAMES)
    assert [population.name for population in manifest.populations] == ["dermatoscope", "phone"]
    for population in manifest.populations:
        assert sum(receipt.lesions for receipt in population.reliability) > 0
    assert manifest.metrics["isic2017_test.melanoma_auc"].pictures == 8
    assert manifest.metrics["phone_out_of_fold.malignant_auc"].pictures == 6
    assert "non-commercial" in manifest.licence
    assert any("NC" in source.licence for source in manifest.data)
    assert {"tensorflow", "keras", "recipe", "models_of_folds"} <= manifest.made_with.keys()
    assert sum(stored.size for stored in manifest.files.values()) < 30e6


def test_out_of_fold_predictions_are_stored(artefact: Path, run: Path, data: Path) -> None:
    """Each phone image is predicted by the model of its fold; the other model predicts other probabilities."""
    table = read_out_of_fold(artefact / FILE_NAME)
    images = _images(data, Population.PHONE, Split.TRAIN)
    assert table.names == tuple((image.source, image.path.stem) for image in images)
    assert table.folds.tolist() == [image.fold for image in images]
    assert np.isfinite(table.distance).all()
    pixels = decode_images(images, read_run_model(run).recipe.serving_spec, run / "cache")
    by_model = [Features.extract(read_run_model(run / f"fold-{fold}").model, pixels).logits[:, 1] for fold in (0, 1)]
    labels = np.array([image.label for image in images])
    for fold in (0, 1):
        inside = (table.folds == fold) & (np.array(table.heads) == "phone")
        calibration = fit_temperature_scaling(by_model[1 - fold][table.folds != fold], labels[table.folds != fold])
        assert table.probabilities[inside] == pytest.approx(calibration.probabilities(by_model[fold][inside]), abs=2e-6)
        assert table.probabilities[inside] != pytest.approx(
            calibration.probabilities(by_model[1 - fold][inside]), abs=2e-6
        )


def test_graph_agrees_with_the_trained_model(artefact: Path, run: Path, manifest: Manifest, data: Path) -> None:
    images = [
        *_images(data, Population.DERMATOSCOPE, Split.TEST),
        *_images(data, Population.PHONE, Split.TRAIN),
    ]
    logits = Features.extract(
        read_run_model(run).model, decode_images(images, read_run_model(run).recipe.serving_spec, run / "cache")
    ).logits
    predicted = GraphPredictor(artefact / manifest.graph, manifest.tensors).predict_files(
        [image.path for image in images], manifest.picture, batch=3
    )
    heads = predicted.kinds[:, :2].argmax(axis=1)
    assert set(heads) == {0, 1}
    for head, population in enumerate(manifest.populations):
        rows = heads == head
        # Log-probabilities differ from the logits by the offsets alone, which no file but the graph contains.
        shift = np.log(predicted.probabilities[rows]) * population.temperature - logits[rows, head]
        shift -= shift.mean(axis=1, keepdims=True)
        assert shift == pytest.approx(np.broadcast_to(shift.mean(axis=0), shift.shape), abs=2e-3)
    # The backbone reduces the side of an image to a 32nd.
    cells = manifest.picture.size // 32
    assert predicted.evidence.shape == (14, cells, cells)
    assert np.isfinite(predicted.distance).all()


def test_artefact_can_be_imported_for_training(artefact: Path, run: Path, data: Path) -> None:
    """The imported weights give the same logits, except for one offset per label."""
    images = _images(data, Population.PHONE, Split.TRAIN)
    pixels = decode_images(images, read_run_model(run).recipe.serving_spec, run / "cache")
    old, new = (
        Features.extract(model, pixels).logits
        for model in (read_run_model(run).model, import_frozen_graph(artefact, LITE0))
    )
    for head in (0, 1):
        shift = new[:, head] - old[:, head]
        assert shift == pytest.approx(np.broadcast_to(shift.mean(axis=0), shift.shape), abs=2e-3)


def test_test_set_is_not_used_by_default(run: Path, data: Path, tmp_path: Path) -> None:
    assert _export(run, data, tmp_path).exit_code == 0
    assert not [name for name in read_artefact(tmp_path).metrics if name.startswith("isic2017_test")]


def test_each_user_error_has_one_sentence(run: Path, data: Path, tmp_path: Path) -> None:
    no_folds, one_fold, wrong_fold, no_phone = (tmp_path / name for name in ("bare", "half", "wrong", "data"))
    no_folds.mkdir()
    shutil.copy(run / "checkpoint.npz", no_folds)
    shutil.copytree(no_folds, one_fold)
    shutil.copytree(run / "fold-0", one_fold / "fold-0")
    shutil.copytree(no_folds, wrong_fold)
    shutil.copytree(run / "fold-0", wrong_fold / "fold-3")
    shutil.copytree(data, no_phone)
    shutil.rmtree(no_phone / "phone")
    result_by_error = {
        "no checkpoint": _export(tmp_path, data, tmp_path / "out"),
        "has no fold-0": _export(no_folds, data, tmp_path / "out"),
        "No model has left out fold 1": _export(one_fold, data, tmp_path / "out"),
        "left out fold 0": _export(wrong_fold, data, tmp_path / "out"),
        "phone": _export(run, no_phone, tmp_path / "out"),
        "There is no folder": _export(run, tmp_path / "absent", tmp_path / "out"),
    }
    for message, result in result_by_error.items():
        assert result.exit_code == 1, message
        assert result.output.splitlines()[-1].startswith("Error: "), result.output
        assert message in result.output
        assert "Traceback" not in result.output


def _images(data: Path, population: Population, split: Split) -> list[LabelledImage]:
    return [image for image in read_labelled_images(data) if image.population is population and image.split is split]
