"""`melanoma-train` on synthetic data, with the real backbone and random weights."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.training.small_model import make_imagenet_archive
from training.cli import main
from training.fitting.loop.checkpoint import load_checkpoint
from training.model.architecture import LITE0


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with random weights of the real backbone."""
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    np.savez(path, **make_imagenet_archive(LITE0, 1))  # type: ignore[arg-type]
    return path


def _train(data: Path, weights: Path, run: Path, *more: str) -> Result:
    recipe = run.with_suffix(".toml")
    # One small size, because TensorFlow needs time for each.
    recipe.write_text("sizes = [64]\nphone_share = 0.25\n")
    options = [recipe, "--data", data, "--start", weights, "--run", run, "--epochs", 1, "--pictures", 32, *more]
    return CliRunner().invoke(main, [str(option) for option in options])


@pytest.fixture(scope="module")
def run(data: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a complete run that left out fold 1 of the phone images."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    result = _train(data, weights, folder, "--fold", "1")
    assert result.exit_code == 0, result.output
    return folder


def test_run_writes_a_checkpoint_and_a_row_an_epoch(run: Path) -> None:
    with (run / "log.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1"]
    assert 0 < float(rows[0]["loss"]) < 10
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "pad_ufes_20_counted_auc" in rows[0]
    checkpoint = load_checkpoint(run)
    assert checkpoint is not None
    assert checkpoint.recipe.fold == 1


def test_finished_run_is_not_trained_again(run: Path, data: Path, weights: Path) -> None:
    before = (run / "checkpoint.npz").read_bytes()
    result = _train(data, weights, run, "--fold", "1")
    assert result.exit_code == 0, result.output
    assert "resuming after epoch 1 of 1" in result.output
    assert (run / "checkpoint.npz").read_bytes() == before


def test_another_recipe_does_not_resume_the_run(run: Path, data: Path, weights: Path) -> None:
    result = _train(data, weights, run)
    assert result.exit_code == 1
    assert "start again with --fresh" in result.output


def test_each_error_is_one_sentence(data: Path, weights: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("epochs = 0\n")
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "isic2017" / "manifest.csv").unlink()
    errors = {
        "There is no folder": ["lite0", "--data", tmp_path / "absent"],
        "manifest.csv": ["lite0", "--data", tmp_path / "data"],
        "cannot be read (No such file": ["lite0", "--data", data, "--start", tmp_path / "absent.npz"],
        "name them with --start": ["lite0", "--data", data],
        "does not say what it was trained on": [
            "lite0_phone",
            "--data",
            data,
            "--start",
            Path("models/lite0").resolve(),
        ],
        "There is no recipe nothing": ["nothing", "--data", data],
        "epochs: Input should be greater than or equal to 1": [wrong, "--data", data],
    }
    for text, options in errors.items():
        result = CliRunner().invoke(main, [*map(str, options), "--run", str(tmp_path / "run")])
        assert result.exit_code == 1
        assert result.output.startswith("Error: ")
        assert text in " ".join(result.output.split())
        assert "Traceback" not in result.output
