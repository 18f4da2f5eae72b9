"""`melanoma-forms` on copies of the shipped artefact."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from runtimes.known_answers import read_known_answers
from shared.model.artefact import (
    KNOWN_ANSWERS_NAME,
    STABLEHLO_NAME,
    Manifest,
    hash_file,
    read_artefact,
    write_manifest,
)
from tests.runtimes.toy_runtime import ToyPredictor
from training.errors import TrainingError
from training.exporting.forms import forms
from training.exporting.forms.cli import main as forms_command
from training.exporting.forms.stablehlo import write_stablehlo

SHIPPED = Path("models/lite0")

pytestmark = pytest.mark.slow


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The shipped artefact as it was before it had forms."""
    manifest = read_artefact(SHIPPED)
    directory = tmp_path / "old"
    directory.mkdir()
    names = [name for name in manifest.files if name not in (STABLEHLO_NAME, KNOWN_ANSWERS_NAME)]
    for name in names:
        shutil.copy(SHIPPED / name, directory)
    write_manifest(directory, manifest.model_copy(update={"files": {name: manifest.files[name] for name in names}}))
    return directory


def list_names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_forms_are_added_and_nothing_else_changes(old: Path) -> None:
    before = read_artefact(old)
    result = CliRunner().invoke(forms_command, [str(old)])
    assert result.exit_code == 0, result.output
    for name in ("openvino", "jax", "tensorflow"):
        assert f"{name} differs from the graph by at most" in result.output
    after = read_artefact(old)
    added = {name: hash_file(old / name) for name in (STABLEHLO_NAME, KNOWN_ANSWERS_NAME)}
    assert after == before.model_copy(update={"files": before.files | added})
    assert list_names(old) == sorted([*after.files, "model.json"]), "no other file may remain"
    new, shipped = (read_known_answers(directory / KNOWN_ANSWERS_NAME) for directory in (old, SHIPPED))
    np.testing.assert_array_equal(new.images, shipped.images)
    np.testing.assert_allclose(new.outputs.probabilities, shipped.outputs.probabilities, atol=1e-4)


def test_forms_that_disagree_are_refused_and_the_artefact_stays(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: Path, manifest: Manifest, *, runtime: str, **__: Any) -> ToyPredictor:
        assert runtime == "openvino"
        return ToyPredictor(manifest)

    monkeypatch.setattr(forms, "load_predictor", load)
    before = list_names(old)
    result = CliRunner().invoke(forms_command, [str(old)])
    assert result.exit_code == 1
    assert "Error: The form for openvino differs from the graph by" in result.output
    assert list_names(old) == before
    assert STABLEHLO_NAME not in read_artefact(old).files


def test_missing_artefact_is_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(forms_command, [str(tmp_path)])
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith(f"Error: no artefact in {tmp_path}")


def test_graph_with_an_unknown_operation_is_refused_by_its_name(tmp_path: Path) -> None:
    manifest = read_artefact(SHIPPED)
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString((SHIPPED / manifest.graph).read_bytes())
    graph.node.add(name="other", op="Erf")
    (tmp_path / "model.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(TrainingError, match=r"cannot be exported as StableHLO: Erf\.$"):
        write_stablehlo(tmp_path / "form.npz", tmp_path / "model.pb", manifest.tensors)
