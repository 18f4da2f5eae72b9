"""`melanoma-train` on synthetic data, with the real backbone and random weights."""

import csv
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.training.fitting.trained_runs import RUNS_GROUP, TrainedRuns
from training.cli import main
from training.fitting.loop.checkpoint import load_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(RUNS_GROUP)]


@pytest.fixture
def run(runs: TrainedRuns) -> Path:
    """The folder of a complete run that left out fold 1 of the phone images."""
    return runs.fold(1)


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


@pytest.mark.usefixtures("eager")
def test_finished_run_is_not_trained_again(run: Path, data: Path, runs: TrainedRuns) -> None:
    before = (run / "checkpoint.npz").read_bytes()
    result = runs.train(data, run, "--fold", "1")
    assert result.exit_code == 0, result.output
    assert "resuming after epoch 1 of 1" in result.output
    assert (run / "checkpoint.npz").read_bytes() == before


def test_another_recipe_does_not_resume_the_run(run: Path, data: Path, runs: TrainedRuns) -> None:
    result = runs.train(data, run)
    assert result.exit_code == 1
    assert "start again with --fresh" in result.output


def test_each_error_is_one_sentence(data: Path, tmp_path: Path) -> None:
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
