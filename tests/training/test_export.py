"""The export of a trained run, on made data, with the real backbone and made weights."""

from pathlib import Path

import numpy as np
import pytest

from shared.artefact import Manifest, read_artefact
from tests.training.fitting.tiny import Lines
from tests.training.model.test_backbone import archive
from training.data.cache import decode_all
from training.data.labels import LABELS, NAMES
from training.data.picture import Share
from training.data.rules import SERVED
from training.data.sources import read_pictures
from training.exporting.export import export
from training.exporting.predictor import GraphPredictor
from training.fitting import checkpoint
from training.fitting.recipe import read_recipe
from training.fitting.run import Run, train
from training.model.architecture import LITE0
from training.model.build import build
from training.model.weights import set_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made weights of the real backbone."""
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    np.savez(path, **archive(LITE0, 1))  # type: ignore[arg-type]
    return path


@pytest.fixture(scope="module")
def made(data: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `out` and `run` after training and export."""
    folder = tmp_path_factory.mktemp("made")
    run = Run(data, folder / "run", read_recipe("lite0", {"epochs": 1, "pictures": 8, "sizes": (224,)}), start=weights)
    export(run, train(run, Lines()), {"recipe": "made"}, folder / "out", test=True, report=print)
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
    assert manifest.made_with == {"recipe": "made"}
    assert sum(stored.size for stored in manifest.files.values()) < 30e6


def test_the_graph_says_what_the_trained_model_says(made: Path, manifest: Manifest, data: Path) -> None:
    state = checkpoint.load(made / "run")
    assert state is not None
    model = build(LITE0, len(LABELS))
    set_weights(model, state.average)
    pictures = [picture for picture in read_pictures(data) if picture.share is Share.TEST]
    pixels = decode_all(pictures, SERVED, made / "run")
    logits = model(pixels.astype(np.float32), training=False)[0].numpy()[:, 0]
    graph = GraphPredictor(made / "out" / manifest.graph, manifest.tensors)
    found = graph.predict_files([picture.path for picture in pictures], manifest.picture, batch=3)
    # The offsets are in no file but the graph: log-probabilities differ from the logits by them alone.
    shift = np.log(found.probabilities) * manifest.temperature - logits
    shift -= shift.mean(axis=1, keepdims=True)
    assert shift == pytest.approx(np.broadcast_to(shift.mean(axis=0), shift.shape), abs=1e-3)
    assert found.evidence.shape == (8, 7, 7)
    assert np.isfinite(found.distance).all()
