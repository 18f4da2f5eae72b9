"""The real command on made data, with the real backbone and made weights."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from shared.artefact import Manifest, read_artefact
from tests.training.test_backbone import archive
from training.cli import main
from training.data.cache import decode_all
from training.data.labels import LABELS, NAMES
from training.data.picture import Share
from training.data.rules import SERVED
from training.data.sources import read_pictures
from training.exporting.predictor import GraphPredictor
from training.fitting import checkpoint
from training.model.backbone import LITE0, build, set_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made weights of the real backbone."""
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    np.savez(path, **archive(LITE0, 1))  # type: ignore[arg-type]
    return path


def _run(data: Path, weights: Path, folder: Path, *more: str) -> Result:
    options = ["--data", data, "--weights", weights, "--out", folder / "out", "--run", folder / "run"]
    return CliRunner().invoke(main, [*map(str, options), "--epochs", "1", "--pictures", "8", *more])


@pytest.fixture(scope="module")
def made(data: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `out` and `run` after the whole command."""
    folder = tmp_path_factory.mktemp("made")
    result = _run(data, weights, folder)
    assert result.exit_code == 0, result.output
    assert "lite0@2 is in" in result.output
    return folder


@pytest.fixture(scope="module")
def manifest(made: Path) -> Manifest:
    return read_artefact(made / "out")


def test_the_manifest_says_all(manifest: Manifest) -> None:
    assert [label.name for label in manifest.labels] == list(NAMES)
    (population,) = manifest.populations
    assert population.name == "dermatoscope"
    assert (
        sum(found.lesions for found in population.reliability)
        == manifest.metrics["held_out.calibration_error"].pictures
    )
    assert manifest.metrics["isic2017_test.melanoma_auc"].pictures == 8
    assert "non-commercial" in manifest.licence
    assert any("NC" in source.licence for source in manifest.data)
    assert {"tensorflow", "keras", "recipe", "weights_sha256"} <= manifest.made_with.keys()
    assert sum(stored.size for stored in manifest.files.values()) < 30e6


def test_the_graph_says_what_the_trained_model_says(made: Path, manifest: Manifest, data: Path) -> None:
    state = checkpoint.load(made / "run")
    assert state is not None
    model = build(LITE0, len(LABELS))
    set_weights(model, state.average)
    pictures = [picture for picture in read_pictures(data) if picture.share is Share.TEST]
    pixels = decode_all(pictures, SERVED, made / "run")
    logits = model(pixels.astype(np.float32), training=False)[0].numpy()
    graph = GraphPredictor(made / "out" / manifest.graph, manifest.tensors)
    found = graph.predict_files([picture.path for picture in pictures], manifest.picture, batch=3)
    # The offsets are in no file but the graph: log-probabilities differ from the logits by them alone.
    shift = np.log(found.probabilities) * manifest.temperature - logits
    shift -= shift.mean(axis=1, keepdims=True)
    assert shift == pytest.approx(np.broadcast_to(shift.mean(axis=0), shift.shape), abs=1e-3)
    assert found.evidence.shape == (8, 7, 7)
    assert np.isfinite(found.distance).all()


def test_measuring_again_changes_nothing_that_was_trained(made: Path, manifest: Manifest, data: Path) -> None:
    options = ["--data", data, "--again", made / "out", "--out", made / "again", "--run", made / "run"]
    result = CliRunner().invoke(main, [str(option) for option in options])
    assert result.exit_code == 0, result.output
    again = read_artefact(made / "again")
    assert again.made_with["measured_again_from"] == manifest.title
    paths = [picture.path for picture in read_pictures(data) if picture.share is Share.TEST]
    old, new = (
        GraphPredictor(folder / manifest.graph, manifest.tensors).predict_files(paths, manifest.picture)
        for folder in (made / "out", made / "again")
    )
    # Calibration starts elsewhere, so log-probabilities times temperature may differ by an offset a label, no more.
    shift = np.log(new.probabilities) * again.temperature - np.log(old.probabilities) * manifest.temperature
    shift -= shift.mean(axis=1, keepdims=True)
    assert shift == pytest.approx(np.broadcast_to(shift.mean(axis=0), shift.shape), abs=1e-3)
    assert new.distance == pytest.approx(old.distance, rel=1e-3)
    assert new.kinds == pytest.approx(old.kinds, abs=0.01)


def test_data_without_other_things_is_an_error_that_says_so(data: Path, made: Path, tmp_path: Path) -> None:
    shutil.copytree(data, tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "phone")
    options = ["--data", tmp_path / "data", "--again", made / "out", "--out", tmp_path / "out", "--run", made / "run"]
    result = CliRunner().invoke(main, [str(option) for option in options])
    assert result.exit_code == 1
    assert "needs phone/" in result.output


def test_the_log_has_a_line_an_epoch(made: Path) -> None:
    with (made / "run" / "log.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1"]
    assert 0 < float(rows[0]["loss"]) < 10


def test_a_finished_run_is_exported_again_without_training(made: Path, data: Path, weights: Path) -> None:
    before = (made / "out" / "model.pb").read_bytes()
    result = _run(data, weights, made)
    assert result.exit_code == 0, result.output
    assert "going on after epoch 1 of 1" in result.output
    assert (made / "out" / "model.pb").read_bytes() == before


def test_a_provisional_artefact_has_not_seen_the_test_set(
    made: Path, data: Path, weights: Path, tmp_path: Path
) -> None:
    shutil.copytree(made / "run", tmp_path / "run")
    result = _run(data, weights, tmp_path, "--provisional")
    assert result.exit_code == 0, result.output
    metrics = read_artefact(tmp_path / "out").metrics
    assert not [name for name in metrics if name.startswith("isic2017_test")]


def test_another_recipe_does_not_go_on_with_this_run(made: Path, data: Path, weights: Path) -> None:
    result = _run(data, weights, made, "--seed", "9")
    assert result.exit_code == 1
    assert "start again with --fresh" in result.output


def test_each_mistake_has_one_sentence(data: Path, weights: Path, tmp_path: Path) -> None:
    mistakes = {
        "There is no folder": _run(tmp_path / "absent", weights, tmp_path),
        "manifest.csv": _run(tmp_path, weights, tmp_path),
        "not a numpy archive": _run(data, tmp_path / "absent.npz", tmp_path),
        "no checkpoint": _run(data, weights, tmp_path, "--provisional"),
    }
    for words, result in mistakes.items():
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
        assert words in result.output
        assert "Traceback" not in result.output
