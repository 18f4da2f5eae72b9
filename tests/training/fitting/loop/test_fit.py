"""Training of the small backbone on 32 images."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.fitting.tiny_run import StoppingCallback, TrainingStopped, train_tiny
from training.data.records.labels import LABEL_NAMES
from training.model.weights import Weights

pytestmark = pytest.mark.slow


def test_fit_memorises_32_images(tmp_path: Path) -> None:
    _, callback = train_tiny(tmp_path, epochs=4, pictures=640, rate=1e-2, dropout=0.0)
    assert callback.losses[0] > 0.8 * np.log(len(LABEL_NAMES))
    assert callback.losses[-1] < 0.2
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Weights of an uninterrupted run."""
    return train_tiny(tmp_path_factory.mktemp("whole"))[0]


def test_resumed_run_ends_like_an_uninterrupted_run(whole: Weights, tmp_path: Path) -> None:
    """Stopped in the third epoch, then resumed: the same weights, and one row an epoch."""
    with pytest.raises(TrainingStopped):
        train_tiny(tmp_path, StoppingCallback(epoch=2))
    resumed, callback = train_tiny(tmp_path)
    assert callback.messages[0] == "resuming after epoch 2 of 4"
    assert resumed.keys() == whole.keys()
    for name, values in whole.items():
        assert resumed[name] == pytest.approx(values, abs=1e-6), name
    with (tmp_path / "log.csv").open(newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2", "3", "4"]


def test_another_seed_gives_other_weights(whole: Weights, tmp_path: Path) -> None:
    """Shows that the test above can fail."""
    other, _ = train_tiny(tmp_path, seed=2)
    assert np.abs(whole["head_phone/kernel"] - other["head_phone/kernel"]).max() > 1e-2


@pytest.mark.parametrize(
    "changes", [{"precision": "float16"}, {"precision": "bfloat16", "focal": 2.0}, {"distil": 0.5}]
)
def test_loss_falls_with(changes: dict[str, Any], tmp_path: Path) -> None:
    _, callback = train_tiny(tmp_path, epochs=2, pictures=192, dropout=0.0, **changes)
    assert callback.losses[-1] < 0.9 * callback.losses[0]
