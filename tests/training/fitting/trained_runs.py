"""Runs of `melanoma-train` on synthetic data, with the real backbone and random weights, shared by tests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from click.testing import CliRunner, Result

from tests.training.model.eager import run_eagerly
from tests.training.model.small_model import make_imagenet_archive
from training.cli import main
from training.model.architecture import LITE0

#: Group of the tests that use the runs: `pytestmark = [pytest.mark.slow, pytest.mark.xdist_group(RUNS_GROUP)]`.
RUNS_GROUP: Final = "trained runs"


@dataclass(frozen=True, slots=True)
class TrainedRuns:
    """Folders and files of the runs.

    Attributes:
        everything: The run on all images. It contains the two runs that left out a fold of the phone images.
        weights: The archive with the initial weights.
        recipe: The recipe.
    """

    everything: Path
    weights: Path
    recipe: Path

    def fold(self, number: int) -> Path:
        """Folder of the run that left out a fold."""
        return self.everything / f"fold-{number}"

    def train(self, data: Path, run: Path, *options: str) -> Result:
        """Call `melanoma-train` for one epoch of 32 images."""
        arguments = [self.recipe, "--data", data, "--start", self.weights, "--run", run, "--epochs", 1, *options]
        cache = ["--pictures", 32, "--cache", self.everything / "cache"]
        return CliRunner().invoke(main, [str(argument) for argument in (*arguments, *cache)])


def train_runs(data: Path, folder: Path) -> TrainedRuns:
    """Train all three runs."""
    runs = TrainedRuns(folder / "run", folder / "weights.npz", folder / "small.toml")
    np.savez(runs.weights, **make_imagenet_archive(LITE0, 1))  # type: ignore[arg-type]
    runs.recipe.write_text("sizes = [64]\nphone_share = 0.25\n")
    with run_eagerly():
        for run, options in ((runs.everything, ()), *((runs.fold(fold), ("--fold", str(fold))) for fold in (0, 1))):
            result = runs.train(data, run, *options)
            assert result.exit_code == 0, result.output
    return runs
