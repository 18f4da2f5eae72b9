"""Training of the small backbone on 32 images."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.fitting.tiny_run import StoppingCallback, TrainingStopped, train_tiny
from training.data.records.labels import LABEL_NAMES


def test_fit_memorises_32_images(tmp_path: Path) -> None:
    _, callback = train_tiny(tmp_path, epochs=4, pictures=640, rate=1e-2, dropout=0.0)
    assert callback.losses[0] > 0.8 * np.log(len(LABEL_NAMES))
    assert callback.losses[-1] < 0.2
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_resumed_run_ends_like_an_uninterrupted_run(tmp_path: Path) -> None:
    """Stopped in the third epoch, then resumed: the same weights, and one row an epoch."""
    whole, _ = train_tiny(tmp_path / "whole")
    with pytest.raises(TrainingStopped):
        train_tiny(tmp_path / "stopped", StoppingCallback(epoch=2))
    resumed, callback = train_tiny(tmp_path / "stopped")
    assert callback.messages[0] == "resuming after epoch 2 of 4"
    assert resumed.keys() == whole.keys()
    for name, values in whole.items():
        assert resumed[name] == pytest.approx(values, abs=1e-6), name
    with (tmp_path / "stopped" / "log.csv").open(newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2", "3", "4"]


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    """Shows that the test above can fail."""
    first, _ = train_tiny(tmp_path / "first", epochs=1)
    other, _ = train_tiny(tmp_path / "other", epochs=1, seed=2)
    assert np.abs(first["head_phone/kernel"] - other["head_phone/kernel"]).max() > 1e-2


@pytest.mark.parametrize(
    "changes", [{"precision": "float16"}, {"precision": "bfloat16", "focal": 2.0}, {"distil": 0.5}]
)
def test_loss_falls_with(changes: dict[str, Any], tmp_path: Path) -> None:
    _, callback = train_tiny(tmp_path, epochs=2, pictures=192, dropout=0.0, **changes)
    assert callback.losses[-1] < 0.9 * callback.losses[0]
